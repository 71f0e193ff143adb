"""The regularised optimum of an objective."""
