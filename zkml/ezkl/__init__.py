"""EZKL at arm's length: its calls run in a worker process, with progress, limits, and errors that say something.

EZKL's Python calls hold the interpreter's lock for their whole run, print to stdout, and can panic or be killed for memory. None
of that reaches the caller: a call here either returns, or raises one of `zkml.errors`.
"""

from zkml.ezkl.worker import CallResult, Limits, Progress, ProgressCallback, Worker

__all__ = ["CallResult", "Limits", "Progress", "ProgressCallback", "Worker"]
