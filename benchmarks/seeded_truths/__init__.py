"""Planted causes with a known answer, scored on lists of seeds."""
