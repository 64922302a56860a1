"""`zkml contract`: the circuit's verifier as a Solidity contract: generated, compiled, measured, deployed and called."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS: dict[str, str] = {
    "generate": "Write the Solidity of a circuit's verifier, and what a user of it needs.",
    "compile": "Compile generated Solidity with the pinned compiler.",
    "gas": "Measure what each form of the contract costs.",
    "calldata": "Print a proof as the call of verifyProof.",
    "deploy": "Deploy the verifier, or say what that would do.",
    "verify": "Ask the contract for its verdict on a proof.",
}


class Steps(click.Group):
    """Subcommands in the order of use, imported when used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"zkml.cli.contract.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Steps)
def command() -> None:
    """Verify proofs on a chain: TARGET is a bundle, or a bare protocol.json.

    \b
      zkml contract gas model.zkml
      zkml contract generate model.zkml --out contracts/model
      zkml contract deploy model.zkml --rpc-url URL --chain-id N --keystore key.json
      zkml contract verify model.zkml --rpc-url URL --chain-id N
    """
