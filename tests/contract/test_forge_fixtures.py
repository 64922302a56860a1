"""The fixtures of the Foundry tests are what the generator makes."""

from tests.contract.forge_fixtures import FOLDER, fixtures


def test_the_committed_fixtures_are_what_the_generator_makes_now() -> None:
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == fixtures(), "run python -m tests.contract.forge_fixtures"
