"""Machine code for many samples at a time: vectors of lanes, exp and log1p on them, the templates."""
