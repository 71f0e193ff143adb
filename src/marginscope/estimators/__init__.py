"""Classifiers with the scikit-learn interface: one a file."""
