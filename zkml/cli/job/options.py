"""Options that the commands of jobs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from zkml.cli.contract.target import rpc_options
from zkml.cli.options import Bytes, Duration

P = ParamSpec("P")
R = TypeVar("R")


def store_options(f: Callable[P, R]) -> Callable[P, R]:
    """Add `--db` and `--store`."""
    f = click.option(
        "--store",
        "store_url",
        metavar="URL",
        help="Where inputs and proofs lie: a folder, or s3://… Default: $ZKML_JOBS_STORE, then $ZKML_HOME/jobs/store.",
    )(f)
    return click.option(
        "--db",
        "db_url",
        metavar="URL",
        help="The job database: sqlite:///FILE or postgresql://HOST/NAME. Default: $ZKML_JOBS_DB, then $ZKML_HOME/jobs/jobs.db.",
    )(f)


def worker_options(f: Callable[P, R]) -> Callable[P, R]:
    """Add `--threads`, `--max-ram` and `--max-time`."""
    f = click.option("--max-time", type=Duration(), help="At most this long for a proof, such as 10m.")(f)
    f = click.option(
        "--max-ram", type=Bytes(), help="At most this much memory for a proof. Default: nine tenths of the machine's."
    )(f)
    return click.option(
        "--threads", type=click.IntRange(1, 1024), help="Threads of a proof. Default: all cores, shared by the workers."
    )(f)


def price_option(f: Callable[P, R]) -> Callable[P, R]:
    """Add `--price`."""
    return click.option("--price", type=click.FloatRange(0), help="What a core hour costs you, for the summary.")(f)


SETTLING = (
    "settlement",
    "rpc_url",
    "chain_id",
    "rpc_timeout",
    "keystore",
    "password_file",
    "batch",
    "confirmations",
    "broadcast",
)
"""The parameters that `settle_options` adds."""


def settle_options(f: Callable[P, R]) -> Callable[P, R]:
    """Add what `open_settler` takes: the parameters `SETTLING`."""
    file = click.Path(path_type=Path, dir_okay=False)
    for option in (
        click.option("--broadcast", is_flag=True, help="Send the transactions; otherwise only a dry run is made."),
        click.option("--confirmations", type=click.IntRange(1, 10_000), default=1, show_default=True, help="Blocks to wait for."),
        click.option(
            "--batch", type=click.IntRange(1, 256), default=8, show_default=True, help="Proofs of a transaction, at most."
        ),
        click.option("--password-file", type=file, help="Opens the keystore (mode 0600). Or $ZKML_KEYSTORE_PASSWORD."),
        click.option("--keystore", type=file, help="The requester's key. Or $ZKML_PRIVATE_KEY."),
        rpc_options,
        click.option("--rpc-url", envvar="ZKML_RPC_URL", help="The node to ask and to send to (or $ZKML_RPC_URL)."),
        click.option("--settlement", metavar="ADDRESS", help="The contract InferenceSettlement."),
    ):
        f = option(f)
    return f
