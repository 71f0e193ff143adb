"""What the coefficients of the classes mean, and how surely they are known."""
