"""The cause engine: checks, counterfactuals, a referee."""
