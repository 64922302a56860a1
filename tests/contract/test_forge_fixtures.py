"""The fixtures of the Foundry tests are what the generator makes."""

from tests.contract.forge_fixtures import FOLDER, fixtures


def test_the_committed_fixtures_are_what_the_generator_makes_now() -> None:
    committed = {path.relative_to(FOLDER).as_posix(): path.read_text() for path in FOLDER.rglob("*") if path.is_file()}
    assert committed == fixtures(), "run python -m tests.contract.forge_fixtures, then make gas-snapshot"
