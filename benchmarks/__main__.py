"""python -m benchmarks [RACE ...] [--sizes A,B] [--limit SECONDS]: every race in one run, as ratios.

A peer that is not installed fails the run, and so does a target that is missed.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.descent import objective as descent
from benchmarks.hard_margin import objective as hard_margin
from benchmarks.other_norms import objective as other_norms
from benchmarks.product_speed import main as product_speed
from benchmarks.regularised_fit import objective as regularised_fit
from benchmarks.separability import objective as separability

RACES = {
    "hard_margin": hard_margin.run,
    "other_norms": other_norms.run,
    "separability": separability.run,
    "descent": descent.run,
    "regularised_fit": regularised_fit.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("races", nargs="*", metavar="RACE", help=f"product, {', '.join(RACES)}; default all")
    parser.add_argument("--sizes", help="names of data sets, separated by commas; default all")
    parser.add_argument("--limit", type=float, help="CPU seconds that one solver may take")
    options = parser.parse_args()
    races = options.races or ["product", *RACES]
    if unknown := set(races) - {"product", *RACES}:
        parser.error(f"no race is called {', '.join(sorted(unknown))}")
    settings = {} if options.limit is None else {"limit": options.limit}
    sizes = options.sizes.split(",") if options.sizes else None
    reached = True
    for race in races:
        if race == "product":
            product_speed()
        else:
            reached &= RACES[race](sizes=sizes, **settings)
    print("\nall targets are reached" if reached else "\nsome targets are MISSED, see above")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
