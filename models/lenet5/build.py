"""LeNet-5 (LeCun, Bottou, Bengio, Haffner, 1998) on 28×28 digits, with ReLU, max-pooling and no padding."""

from __future__ import annotations

import torch
from torch import nn

from models import data, training
from models.entry import Built, Tensor


class LeNet5(nn.Module):
    """Two convolutions of 6 and 16 channels, each with ReLU and 2×2 max-pooling, then 256 → 120 → 84 → 10."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(256, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, 10),
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (n, 10) of images (n, 1, 28, 28)."""
        logits: torch.Tensor = self.classifier(self.features(image))
        return logits


def build() -> Built:
    """Return the trained network and its test set."""
    training.start()
    split = data.digits(28)
    network = LeNet5()
    training.fit(network, split.x_train[:, None], split.y_train, nn.CrossEntropyLoss(label_smoothing=0.1), epochs=30)
    return Built(
        model=training.export(network, "lenet5", (1, 1, 28, 28), "image", "logits"),
        task="classification, 10 classes",
        description="LeNet-5 with ReLU, max-pooling and no padding: which digit is it",
        data=split,
        inputs={"image": split.x_test[:, None]},
        expected_key="label",
        metric="accuracy",
        input_notes={"image": Tensor("grey image, ink is bright", "multiples of 1/128 in [0, 1]")},
        output_notes={"logits": Tensor("one score for each digit", "about -2 to 6")},
        samples=128,
        tools=training.TOOLS,
    )
