"""The generated page is what its generator writes."""

from pathlib import Path

from zkml.model.page import page


def test_the_operator_page_is_current() -> None:
    assert (Path(__file__).parents[2] / "docs" / "operators.md").read_text() == page()
