"""`docs/audit-actions.md`: every word that an audit event may have, made from the code."""

import sys
from typing import Final

from hub.audit.actions import Act, Outcome

HEAD: Final = """\
# What the audit record says

Written by `make docs` from `hub/audit/actions.py`: what is corrected here by hand is gone with the next `make docs`.

Every event says when, who (and whether anybody had proved who that is), what was done, to what, why (purpose, reason
and case number, where data were asked for), what came of it, how many results were handed out, and which policy was
applied. An event of an answer is on the disk before the answer leaves. What is on record is kept for years, so a word
is added here and never renamed.
"""


def page() -> str:
    """The page."""
    actions = [f"| `{one}` | {one.about} |" for one in sorted(Act)]
    outcomes = [f"| `{one}` | {one.about} |" for one in sorted(Outcome)]
    return "\n".join(
        [
            HEAD,
            "## What was done",
            "",
            "| action | who does it, and when |",
            "|---|---|",
            *actions,
            "",
            "## What came of it",
            "",
            "| outcome | when an event has it |",
            "|---|---|",
            *outcomes,
            "",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(page())
