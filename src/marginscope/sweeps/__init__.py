"""Sweeps: seeds x losses x optimizers x step sizes x data, each cell once."""
