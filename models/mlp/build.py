"""A multi-layer perceptron on 8×8 digits."""

from __future__ import annotations

from torch import nn

from models import data, training
from models.entry import Built, Tensor


def build() -> Built:
    """Return the trained network and its test set."""
    training.start()
    split = data.digits()
    x_train, x_test = (x.reshape(len(x), 64) for x in (split.x_train, split.x_test))
    network = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    training.fit(network, x_train, split.y_train, nn.CrossEntropyLoss(label_smoothing=0.1), epochs=60)
    return Built(
        model=training.export(network, "mlp", (1, 64), "pixels", "logits"),
        task="classification, 10 classes",
        description="multi-layer perceptron, 64-64-32-10, ReLU: which digit is it",
        data=split,
        inputs={"pixels": x_test},
        expected_key="label",
        metric="accuracy",
        input_notes={"pixels": Tensor("8x8 grey image, row by row", "multiples of 1/16 in [0, 1]")},
        output_notes={"logits": Tensor("one score for each digit", "about -2 to 6")},
        samples=300,
        tools=training.TOOLS,
    )
