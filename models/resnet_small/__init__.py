"""A small residual network on 28×28 digits."""
