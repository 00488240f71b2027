"""The command line: one file a noun. `main` is the entry point."""

import os
import signal
import sys

__all__ = ["main"]

INTERRUPTED = 130
"""How a shell says that Ctrl-C ended a program."""


def main() -> None:
    """Run the command line; Ctrl-C ends it without a word, while it still starts too."""
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a shell may have it ignored
    if ours:
        # Nothing is open yet, and an import that is interrupted half way may turn that into an error of its own.
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from alprhub.cli.app import app  # takes a second, in which somebody may think better of it

    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
