"""A support vector machine with a Gaussian kernel on the breast cancer table."""
