"""One block of self-attention (Vaswani et al., 2017) over the 16 patches of a 28×28 digit, 64 numbers to a patch."""

from __future__ import annotations

import math

import torch
from torch import nn

from models import data, training
from models.entry import Built, Tensor

PATCH, TOKENS, WIDTH, HEADS = 7, 16, 64, 4


class PatchAttention(nn.Module):
    """Patches embedded with their places; attention, residual, layer normalisation; the mean token, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(1, WIDTH, PATCH, stride=PATCH)
        self.place = nn.Parameter(torch.randn(1, TOKENS, WIDTH) * 0.1)
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.output = nn.Linear(WIDTH, WIDTH)
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 10)

    def _heads(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens.reshape(-1, TOKENS, HEADS, WIDTH // HEADS).transpose(1, 2)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (n, 10) of images (n, 1, 28, 28)."""
        tokens = self.embed(image).flatten(2).transpose(1, 2) + self.place
        query, key, value = (self._heads(f(tokens)) for f in (self.query, self.key, self.value))
        weights = torch.softmax(query @ key.transpose(2, 3) / math.sqrt(WIDTH // HEADS), dim=-1)
        mixed = (weights @ value).transpose(1, 2).reshape(-1, TOKENS, WIDTH)
        tokens = self.norm(tokens + self.output(mixed))
        logits: torch.Tensor = self.head(tokens.mean(dim=1))
        return logits


def build() -> Built:
    """Return the trained network and its test set."""
    training.start()
    split = data.digits(28)
    network = PatchAttention()
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    training.fit(network, split.x_train[:, None], split.y_train, loss, epochs=60, rate=3e-3, decay=1e-2)
    return Built(
        model=training.export(network, "attention", (1, 1, 28, 28), "image", "logits"),
        task="classification, 10 classes",
        description=f"self-attention, {HEADS} heads, over {TOKENS} patches of {WIDTH} numbers: which digit is it",
        data=split,
        inputs={"image": split.x_test[:, None]},
        expected_key="label",
        metric="accuracy",
        input_notes={"image": Tensor("grey image, ink is bright", "multiples of 1/128 in [0, 1]")},
        output_notes={"logits": Tensor("one score for each digit", "about -2 to 6")},
        samples=128,
        tools=training.TOOLS,
    )
