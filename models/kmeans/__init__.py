"""k-means on 8×8 digits."""
