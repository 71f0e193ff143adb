"""Experiments: one figure or table a file, with claims that are checked."""
