"""A dense autoencoder on 28×28 digits, with a bottleneck of 16 numbers."""

from __future__ import annotations

from torch import nn

from models import data, training
from models.entry import Built, Tensor


def build() -> Built:
    """Return the trained network and its test set."""
    training.start()
    split = data.digits(28)
    network = nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 64),
        nn.ReLU(),
        nn.Linear(64, 16),
        nn.ReLU(),
        nn.Linear(16, 64),
        nn.ReLU(),
        nn.Linear(64, 784),
        nn.Sigmoid(),
    )
    image = split.x_train[:, None]
    training.fit(network, image, image.reshape(len(image), 784), nn.BCELoss(), epochs=100, decay=0)
    return Built(
        model=training.export(network, "autoencoder", (1, 1, 28, 28), "image", "reconstruction"),
        task="reconstruction",
        description="dense autoencoder, 784-64-16-64-784: the image from 16 numbers",
        data=split,
        inputs={"image": split.x_test[:, None]},
        expected_key=None,
        metric="mse",
        input_notes={"image": Tensor("grey image, ink is bright", "multiples of 1/128 in [0, 1]")},
        output_notes={"reconstruction": Tensor("the image again, row by row", "0 to 1")},
        samples=64,
        tools=training.TOOLS,
    )
