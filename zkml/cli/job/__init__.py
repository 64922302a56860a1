"""`zkml job`: proofs of many inputs, made by any number of workers, with nothing lost or made twice."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS: dict[str, str] = {
    "submit": "Queue a proof of every input in a file.",
    "run": "Submit, prove with workers on this machine, and write the results.",
    "evaluate": "Prove a model's score on a data set, and attest it.",
    "list": "List the jobs.",
    "status": "Show how far a job is, its rate, expected end and cost.",
    "logs": "Show the attempts at a job's items.",
    "cancel": "Stop a job; what it made is kept.",
    "retry": "Have what failed or was cancelled made after all.",
    "results": "Write manifest and proofs of a job into a folder.",
    "settle": "Settle the proofs of a job on a chain, each once.",
}


class Jobs(click.Group):
    """Subcommands in the order of use, imported when used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"zkml.cli.job.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Jobs)
def command() -> None:
    """Prove thousands of inputs: INPUTS is .npz, .npy, JSON lines, a folder of such files, or - for JSON lines on stdin.

    \b
      zkml job run model.zkml inputs.npz --out results     # all in one
      zkml job submit model.zkml inputs.jsonl              # or: queue now,
      zkml worker                                          # prove here and elsewhere,
      zkml job status JOB                                  # look,
      zkml job results JOB --out results                   # and take the results
      zkml job settle JOB --settlement 0x… --chain-id 1 …  # onto a chain

    JOB is a job's id, the beginning of one, or its number. A kill at any moment costs at most the proofs under way; the same
    command again goes on where it was.
    """
