"""LeNet-5 with ReLU and max-pooling on 28×28 digits."""
