"""An LSTM (Hochreiter and Schmidhuber, 1997) of 32 cells that reads a 16×16 digit row by row."""

from __future__ import annotations

import torch
from torch import nn

from models import data, training
from models.entry import Built, Tensor

STEPS, WIDTH, HIDDEN = 16, 16, 32


class RowReader(nn.Module):
    """An LSTM over the rows, and a linear layer on its last state."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(WIDTH, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, 10)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return logits (n, 10) of sequences (n, 16, 16)."""
        states, _ = self.lstm(rows)
        logits: torch.Tensor = self.head(states[:, -1])
        return logits


def build() -> Built:
    """Return the trained network and its test set."""
    training.start()
    split = data.digits(16)
    network = RowReader()
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    training.fit(network, split.x_train, split.y_train, loss, epochs=60, rate=1e-2)
    return Built(
        model=training.export(network, "lstm", (1, STEPS, WIDTH), "rows", "logits"),
        task="classification of sequences, 10 classes",
        description=f"LSTM of {HIDDEN} cells over {STEPS} rows: which digit is it",
        data=split,
        inputs={"rows": split.x_test},
        expected_key="label",
        metric="accuracy",
        input_notes={"rows": Tensor("the rows of a 16x16 grey image, top first", "multiples of 1/128 in [0, 1]")},
        output_notes={"logits": Tensor("one score for each digit", "about -3 to 7")},
        samples=128,
        tools=training.TOOLS,
    )
