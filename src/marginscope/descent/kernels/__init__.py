"""Machine code for gradient descent on data that fits the cache."""
