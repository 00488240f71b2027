"""`Surroundings`: what is wrong with the hub itself rather than with one connection, as cards."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from shlex import quote
from shutil import disk_usage
from typing import Final

from sqlalchemy import func, select

from hub.clock import Clock, MayBeWrong
from hub.connections.alarmcards import alarm_cards
from hub.connections.approvalcards import approval_cards
from hub.connections.card import FAILING, LATE, OK, Card
from hub.connections.deliverycards import delivery_cards
from hub.connections.upkeep import upkeep
from hub.connections.waiting import Waiting
from hub.governing.in_force import Governing
from hub.policy.profile import PARTNER
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros
from hub.store.spool import RESERVE
from hub.store.vacuum import owed
from hub.words import count, gigabytes, moment, named, span

LITTLE: Final = 5 << 30
"""Bytes free on the disk of the data folder below which somebody should make room."""
UNSENT: Final = timedelta(minutes=15)
"""How long a notice may be on its way."""
OWED: Final = timedelta(hours=25)
"""How long what was purged may be left in the database's file: until the night after, however long that is."""
_GIB: Final = 1 << 30


class Surroundings:
    """Looks at the clock, the disk, pushes that were set aside, what does not get out, and the hub's own jobs."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        ways: Sequence[str],
        clock: Clock,
        governing: Governing,
        custodian_ways: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._folder = folder
        self._ways = ways
        self._clock = clock
        self._governing = governing
        self._custodian_ways = custodian_ways

    def cards(self, waiting: Waiting, now: datetime, zone: tzinfo) -> list[Card]:
        """What a person should know of the hub itself."""
        checks = (self._disk(), self._set_aside(waiting), self._notices(now, zone), self._traces(now, zone))
        cards = (self._of_clock(zone), *checks)
        hub = [card for card in cards if card is not None]
        partner = self._governing.profile().effective(PARTNER)
        named_one = (str(partner.value), partner.clauses) if partner.value else None
        delivered = delivery_cards(self._store, now, zone, self._custodian_ways, named_one)
        if (edited := self._governing.edited()) is not None:
            hub.append(_of_file(edited))
        two = (*approval_cards(self._store, now, zone), *alarm_cards(self._store, now, zone))
        return [*hub, *delivered, *upkeep(self._store, now, zone), *two]

    def _of_clock(self, zone: tzinfo) -> Card | None:
        if not isinstance(self._clock, MayBeWrong) or (standing := self._clock.standing()).state == "right":
            return None
        machine, trusted = moment(standing.machine, zone), moment(standing.trusted, zone)
        far = span(standing.machine - standing.trusted)
        if standing.state == "ahead":
            sentence = f"The clock of this machine says {machine}, {far} after the hub last knew the time ({trusted})."
            return Card(
                FAILING, "The clock is in doubt", sentence,
                "Nothing is purged or shortened until this is settled; what is over by this clock is shown to nobody."
                " If the clock is right, because the hub was off that long, propose that with the command below, for"
                " a second person to approve; else set the clock.",
                "alprhub clock trust --reason WHY", "clock_ahead", plain=sentence,
            )  # fmt: skip
        sentence = f"The clock of this machine says {machine}, {far} before a time that the hub has seen ({trusted})."
        return Card(
            FAILING, "The clock is behind", sentence,
            "The hub goes on from the time that it has seen, so that nothing that is over is shown again. Set the clock"
            " right; if it is right, because it was ahead before, propose that with the command below, for a second"
            " person to approve.",
            "alprhub clock trust --reason WHY", "clock_behind", plain=sentence,
        )  # fmt: skip

    def _disk(self) -> Card | None:
        free = disk_usage(self._folder).free
        if free >= LITTLE:
            return None
        full = free < RESERVE
        sentence = f"The disk of {self._folder} has {gigabytes(free)} left" + (
            f": below {RESERVE / _GIB:.0f} GiB pushes are refused." if full else "."
        )
        return Card(
            FAILING if full else LATE, "The disk is full" if full else "The disk is nearly full", sentence,
            "Make room, or give it a larger disk; pictures and the database take most.",
            f"du -sh {self._folder}/*", "disk_full" if full else "disk_nearly_full", plain=sentence,
        )  # fmt: skip

    def _set_aside(self, waiting: Waiting) -> Card | None:
        if waiting.counts is None:
            sentence = "So much that was pushed waits to be kept that it was not counted."
            do = "See that the receiver is up and what its log says; the pushes are safe on the disk."
            return Card(FAILING, "Very many pushes wait", sentence, do, "alprhub serve", "pushes_wait", plain=sentence)
        if not waiting.set_aside:
            return None
        inbox = self._folder / "inbox"
        sentence = f"{count(waiting.set_aside, 'batch', 'batches')} of pushes could not be read and was set aside."
        return Card(
            FAILING, "Pushes were set aside", sentence.replace("was", "were") if waiting.set_aside > 1 else sentence,
            f"What they hold is neither kept nor found: ask the senders to send it again, and have the files"
            f" {inbox}/*.broken looked at. The purge destroys them when their time is up.",
            f"ls -l {inbox}", "pushes_set_aside",
            plain=sentence.replace("was", "were") if waiting.set_aside > 1 else sentence,
        )  # fmt: skip

    def _traces(self, now: datetime, zone: tzinfo) -> Card | None:
        """What purged rows left in the database's file, where no night will have it written anew."""
        if self._store.traces == "encrypted":
            sentence = (
                "ALPRHUB_DISK_ENCRYPTED says that the disk of the database is encrypted, so its file is not written"
                " anew after a purge: bytes of what was purged stay in it until their room is used again."
            )
            return Card(
                OK, "What is purged stays on an encrypted disk", sentence,
                "Where the disk is not encrypted, take the setting away, and have the file written anew.",
                "alprhub retention vacuum", "disk_encrypted", needs_person=False, plain=sentence,
            )  # fmt: skip
        if self._store.traces == "server":
            return None
        with self._store.read() as connection:
            debt = owed(connection)
        if debt is None:
            return None
        since = from_micros(debt.since)
        left = (
            f"Bytes of what was purged since {moment(since, zone)} ({span(now - since)} ago) are in the database's file"
        )
        needed, free = self._store.room_to_vacuum()
        if debt.written_at is None and free < needed:
            sentence = (
                f"{left}: to write it anew takes {gigabytes(needed)} of room meanwhile, and {gigabytes(free)} are left."
            )
            return Card(
                LATE, "Too little room to write the database anew", sentence,
                f"Make room on the disk of {self._store.file}. The next night does it then, or this does it at once;"
                " nothing is written to the database meanwhile.",
                "alprhub retention vacuum", "vacuum_lacks_room", plain=sentence,
            )  # fmt: skip
        if now - since < OWED:
            return None
        sentence = f"{left}, which should have been written anew in the night after."
        return Card(
            LATE, "What was purged is still in the database's file", sentence,
            "See why: alprhub runs --job vacuum. This does it at once; nothing is written to the database meanwhile.",
            "alprhub retention vacuum", "vacuum_overdue", plain=sentence,
        )  # fmt: skip

    def _notices(self, now: datetime, zone: tzinfo) -> Card | None:
        table, notices = tables.deliveries, tables.notices
        late = (
            select(table.c.way, func.count().label("number"), func.min(notices.c.at).label("first"))
            .join(notices, notices.c.id == table.c.notice_id)
            .where(table.c.way.in_(self._ways), table.c.sent_at.is_(None), table.c.tries > 0)
            .where(notices.c.at < to_micros(now - UNSENT))
            .group_by(table.c.way)
            .order_by(table.c.way)
        )
        with self._store.read() as connection:
            rows = connection.execute(late).all()
        if not rows:
            return None
        since = from_micros(min(row.first for row in rows))
        number = sum(row.number for row in rows)
        sentence = (
            f"{count(number, 'notice')} could not be sent by {named([row.way for row in rows])}, the oldest since"
            f" {moment(since, zone)} ({span(now - since)} ago)."
        )
        return Card(
            FAILING, "Notices do not get out", sentence,
            "Try every way out and see what it answers; mend the ALPRHUB_NOTICE_ settings, or the mail server.",
            "alprhub notices test", "notices_unsent", plain=sentence,
        )  # fmt: skip


def _of_file(file: str) -> Card:
    """The card of a policy whose file was changed after it was put in force."""
    sentence = f"The file of the policy in force, {file}, says something else now than when it was put in force."
    return Card(
        LATE, "The file of the policy was changed", sentence,
        "Nothing of that is in force: the policy is kept as two people, or the first start, put it in force. Ask who"
        " changed the file, and put it back; or propose what it says with the command below.",
        f"alprhub policy activate {quote(file)} --reason WHY", "policy_file_differs", plain=sentence,
    )  # fmt: skip
