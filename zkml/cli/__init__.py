"""The command line: one subcommand for each stage of the flow, one file each."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from zkml import __version__
from zkml.cli.output import INTERRUPTED, command_errors, report_error, say
from zkml.errors import UsageError

COMPLETION = "_ZKML_COMPLETE"
"""The variable by which a shell asks for completions."""

COMMANDS: dict[str, str] = {
    "demo": "Compile, prove and verify a LeNet on a digit: the whole flow in one command.",
    "inspect": "Show a model's nodes, what cannot be compiled, and what a circuit would cost.",
    "calibrate": "Find the cheapest settings that keep the accuracy.",
    "compile": "Turn an ONNX model into an audited circuit.",
    "audit": "Say what a circuit does not prove.",
    "setup": "Make the keys of a compiled circuit.",
    "witness": "Run an input through the circuit in integers.",
    "prove": "Prove an inference.",
    "verify": "Check a proof.",
    "job": "Prove many inputs: submit, run, watch, take the results.",
    "worker": "Make the proofs of submitted jobs.",
    "contract": "Verify on a chain: generate, measure, deploy and call the circuit's contract.",
    "srs": "Make, import, check and trust structured reference strings.",
    "bundle": "Pack, unpack, check and show bundles.",
    "doctor": "Say what this machine has and lacks.",
}


class Flow(click.Group):
    """Subcommands in the order of the flow, imported when used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"zkml.cli.{name}"), "command", None) or getattr(
            import_module(f"zkml.cli.{name}"), name
        )
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Flow, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="zkml")
def cli() -> None:
    """Turn a trained model into a zero-knowledge circuit, prove its inferences, let anyone check them.

    \b
      zkml compile model.onnx --data samples.npz
      zkml setup model.zkml
      zkml prove model.zkml --input input.json
      zkml verify model.zkml

    Results go to stdout, everything else to stderr. Exit status: 0 done or accepted, 1 rejected, 2 usage, 3 invalid or
    unsupported model or data, 4 infeasible within the budget, 5 environment, 6 network, 7 refused by policy, 70 our fault.
    """


def usage_message(error: click.ClickException) -> UsageError:
    """Return click's complaint as one of our errors: lower case, without a full stop."""
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "zkml"
    return UsageError(message[:1].lower() + message[1:], hint=f"`{path} --help` shows what it takes")


@command_errors
def main() -> None:
    """Run the command line."""
    if COMPLETION in os.environ:
        cli.main(prog_name="zkml")
    try:
        # Not `cli.main`, which ends with 1 on a broken pipe, as if a proof was rejected.
        with cli.make_context("zkml", sys.argv[1:]) as context:
            cli.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as e:
        sys.stdout.flush()
        sys.exit(e.exit_code)
    except click.exceptions.NoArgsIsHelpError as e:
        click.echo(e.ctx.get_help() if e.ctx else "", err=True)
        sys.exit(UsageError.exit_code)
    except click.ClickException as e:
        report_error(usage_message(e), as_json="--json" in sys.argv)
        sys.exit(UsageError.exit_code)
    except click.Abort:
        say("interrupted; nothing was left half-written")
        sys.exit(INTERRUPTED)
