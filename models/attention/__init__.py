"""One attention block over the patches of 28×28 digits."""
