"""A dense autoencoder on 28×28 digits."""
