"""A random forest on 8×8 digits."""
