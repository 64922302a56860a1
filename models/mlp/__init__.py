"""A multi-layer perceptron on 8×8 digits."""
