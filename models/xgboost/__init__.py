"""Gradient-boosted trees on the diabetes table."""
