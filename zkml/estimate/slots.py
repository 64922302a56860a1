"""What EZKL's layout of each operation costs, in slots (one cell in each of the three model columns), without Freivalds.

The primitive recipes are stated in `docs/estimates.md`, found by watching the EZKL 23.0.5 wheel. `n` counts elements.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipes:
    """Slots of the primitive operations for `legs` digits and `inner` columns; a product is rescaled if `rescales`."""

    legs: int
    inner: int
    rescales: bool = True

    def dot(self, length: int) -> int:
        """One dot product or sum: padded to whole rows."""
        return -(-length // self.inner) * self.inner

    @property
    def decompose(self) -> int:
        """Sign and digits of one element, range-checked and put together again."""
        return (self.legs + 1) + 1 + self.legs + self.dot(self.legs) + 2

    @property
    def equals_zero(self) -> int:
        return 4

    @property
    def equals(self) -> int:
        return 1 + self.equals_zero

    @property
    def sign_of_zero(self) -> int:
        """`decompose` with the sign of zero fixed to zero."""
        return self.decompose + self.equals_zero + 2

    @property
    def greater(self) -> int:
        return 1 + self.sign_of_zero + self.equals

    @property
    def greater_equal(self) -> int:
        return 1 + self.greater

    @property
    def absolute(self) -> int:
        return self.decompose + 1

    @property
    def boolean(self) -> int:
        return 2

    @property
    def choose(self) -> int:
        """`iff`: a or b by a bit."""
        return self.boolean + 4

    @property
    def both(self) -> int:
        return 2 * self.boolean + 1

    @property
    def rescale(self) -> int:
        """Division of one element by a constant, rounded."""
        if not self.rescales:
            return 0
        return self.decompose + 2 + self.absolute + self.greater + 1

    @property
    def relu(self) -> int:
        return self.decompose + self.equals + 1

    @property
    def leaky_relu(self) -> int:
        return self.relu + 1 + self.choose + 3

    @property
    def maximum(self) -> int:
        return self.greater + self.choose + 3

    @property
    def optimum(self) -> int:
        """Proof that a claimed value is the best integer: its error against both neighbours'."""
        error = 2 + self.absolute
        return 3 * error + 2 + self.greater_equal + self.greater + self.both

    @property
    def reciprocal(self) -> int:
        return self.decompose + self.equals_zero + self.choose + self.equals + 2 + self.optimum + 2

    @property
    def square_root(self) -> int:
        return self.absolute + 1 + self.optimum + 1

    @property
    def floor(self) -> int:
        """Also ceil; with two digits in base scale."""
        digits = 3
        return self.sign_of_zero + self.equals_zero + self.choose + self.equals + self.both + 1 + digits + self.dot(2) + 1

    def sort(self, length: int) -> int:
        """Sorting `length` elements: claimed order, shuffle, neighbours compared."""
        return 2 * length + max(0, length - 1) * (self.greater_equal + 1)

    def sort_with_indices(self, length: int) -> int:
        step = 2 * self.greater + self.equals + 2 * self.both + 5
        return 2 * length + max(0, length - 1) * step + 4

    def softmax(self, length: int) -> int:
        """One softmax over `length` elements."""
        return self.sort(length) + 2 * length + self.dot(length) + self.reciprocal + length + length * self.rescale

    def layer_norm(self, length: int) -> int:
        """One layer normalisation over `length` elements."""
        per_element = 4 + self.rescale
        return length * per_element + 2 * self.dot(length) + 2 * self.rescale + self.square_root + self.reciprocal

    @property
    def public_input(self) -> int:
        return self.decompose

    @property
    def public_output(self) -> int:
        return 2 * self.decompose + 1
