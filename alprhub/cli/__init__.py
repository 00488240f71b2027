"""The command line: one file a noun. `main` is the entry point."""

from alprhub.cli.app import main

__all__ = ["main"]
