"""A small residual network on 28×28 digits, after He, Zhang, Ren and Sun (2016), of a little over a million
multiply-accumulates.

Most of the work lies in the two convolutions of the residual block, on 7×7 maps: a circuit pays for every product, and
tens of cells more for every value that is rescaled and rectified.
"""

from __future__ import annotations

import torch
from torch import nn

from models import data, training
from models.entry import Built, Tensor


class ResNetSmall(nn.Module):
    """Two strided convolutions to 32 maps of 7×7, one residual block, the mean of each map, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.down = nn.Sequential(nn.Conv2d(8, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        self.block = nn.Sequential(
            nn.Conv2d(32, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
        )
        self.head = nn.Linear(32, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (n, 10) of images (n, 1, 28, 28)."""
        maps = self.down(self.stem(image))
        maps = torch.relu(maps + self.block(maps))
        logits: torch.Tensor = self.head(maps.mean(dim=(2, 3)))
        return logits


def build() -> Built:
    """Return the trained network and its test set."""
    training.start()
    split = data.digits(28)
    network = ResNetSmall()
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    training.fit(network, split.x_train[:, None], split.y_train, loss, epochs=20, decay=1e-3)
    return Built(
        model=training.export(network, "resnet_small", (1, 1, 28, 28), "image", "logits"),
        task="classification, 10 classes",
        description="convolutions with batch normalisation and a residual block: which digit is it",
        data=split,
        inputs={"image": split.x_test[:, None]},
        expected_key="label",
        metric="accuracy",
        input_notes={"image": Tensor("grey image, ink is bright", "multiples of 1/128 in [0, 1]")},
        output_notes={"logits": Tensor("one score for each digit", "about -2 to 6")},
        samples=128,
        tools=training.TOOLS,
    )
