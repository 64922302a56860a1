"""Least squares on the diabetes table."""
