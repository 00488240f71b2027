"""The repair cards of a connection that is listened to: nobody listens, or what it names is away."""

from datetime import datetime, timedelta, tzinfo
from typing import Final

from hub.connections.accounts import Account
from hub.connections.card import FAILING, Card
from hub.store.heard import HeardLine
from hub.store.instant import from_micros
from hub.words import moment, span

PATIENCE: Final = timedelta(hours=1)
"""How long what it names may be away before a person should see to it."""
NEW: Final = timedelta(minutes=1)
"""How long after it was added, or came to be heard of, a connection may be without anybody who listens."""


def heard_cards(line: HeardLine | None, account: Account, added_at: int, now: datetime, zone: tzinfo) -> list[Card]:
    """What is to be listened to, and is not; `line` is what the receiver says of it, None where no receiver is up."""
    name = account.name
    if line is not None and line.up:
        return []
    if line is not None:
        since = from_micros(line.since)
        happened = (
            f"Nobody could listen to {name} since {moment(since, zone)} ({span(now - since)} ago):"
            f" {(line.error or 'no answer yet').rstrip('.')}."
        )
        return [
            Card(
                FAILING, f"{name} is not heard", happened,
                "It is tried again by itself, ever more seldom and at least every five minutes. See that what its"
                " settings name is up and can be reached from this machine.",
                f"alprhub connections check {name}", "not_heard", needs_person=now - since > PATIENCE, plain=happened,
            )
        ]  # fmt: skip
    if now - from_micros(added_at) < NEW:
        return []
    happened = f"Nobody listens to {name}, so nothing comes in: no receiver of this hub is up."
    return [
        Card(
            FAILING, f"Nobody listens to {name}", happened,
            "Start the receiver, and have the machine start it by itself (docs/operations.md).", "alprhub serve",
            "no_receiver", plain=happened,
        )
    ]  # fmt: skip
