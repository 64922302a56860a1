"""`python -m zkml.cli`: the command line without its script."""

from zkml.cli import main

main()
