"""The command line: one subcommand for each stage of the flow, one file each."""
