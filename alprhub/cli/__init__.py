"""The command line: one file a noun. `main` is the entry point."""

import sys

from alprhub.cli.interrupted import INTERRUPTED, at_once

__all__ = ["main"]


def main() -> None:
    """Run the command line; Ctrl-C ends it without a word, while it still starts too."""
    with at_once():
        from alprhub.cli.app import app

    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
