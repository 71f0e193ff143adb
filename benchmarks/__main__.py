"""python -m benchmarks: the timings of the product, as ratios in one run."""

from benchmarks.product_speed import main

main()
