"""Logistic regression on the breast cancer table."""
