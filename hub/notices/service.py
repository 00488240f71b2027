"""`Notices`: compares how things are with what was told, keeps what is to be told, and gets it out."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import Busy
from hub.governing.in_force import Governing
from hub.notices.letters import HealthCard, begun, ended, trial
from hub.notices.notice import BEGUN, DROPPED, ENDED, TEST, Notice, Way
from hub.notices.outbox import Outbox, Sent
from hub.outgoing import NotSent
from hub.people import Actor
from hub.store.engine import Store
from hub.words import span

log: Final = logging.getLogger("alprhub.notices")

ALSO: Final = ("credentials_end",)
"""Codes that are told although nothing is wrong yet."""
REMOVAL: Final = "removal_stopped"
"""The code that is over, and not void, once its connection is gone."""
WHOLE: Final = timedelta(seconds=60)
"""The longest that one notice may take by one way."""
_LEASE: Final = "notices"


class ConnectionHealth(Protocol):
    """How a connection is, as health has it."""

    @property
    def connection(self) -> str:
        """Its name."""

    @property
    def state(self) -> str:
        """`active`, or why nothing of it was looked at."""

    @property
    def cards(self) -> Sequence[HealthCard]:
        """What a person should know."""


class Watching(Protocol):
    """Knows how everything is, as health has it."""

    def all(self) -> Sequence[ConnectionHealth]:
        """Every connection's report, by name."""

    def around(self) -> Sequence[HealthCard]:
        """What a person should know of the hub itself."""

    def removed(self) -> Sequence[tuple[str, HealthCard]]:
        """What is not proved of connections that were removed, with their names."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a test by one way."""

    way: str
    sent: bool
    said: str


class Notices:
    """Tells people once that something needs them, and once that it is over."""

    def __init__(
        self,
        store: Store,
        audit: Audit,
        clock: Clock,
        health: Watching,
        ways: Sequence[Way],
        governing: Governing,
        agency: str,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._health = health
        self._ways = ways
        self._governing = governing
        self._agency = agency
        self._outbox = Outbox(store)

    def run(self, actor: Actor) -> dict[str, int]:
        """`look` and then `send`; counts of what began, ended, was sent, failed and waits. Safe at any time."""
        began, over = self.look(actor)
        sent, failed = self.send()
        return {"begun": began, "ended": over, "sent": sent, "failed": failed, "waiting": self.waiting()}

    def look(self, actor: Actor) -> tuple[int, int]:
        """Compare how things are with what was told, and put what is new into the outbox, on record.

        Gives how many things have begun and how many are over. A thing is told again only once it was over, or where
        it has begun anew since. While a connection is paused nothing of it is looked at, so nothing of it is over.
        Of a connection that was removed only the removal is told: that it is over, and what of it is not proved.
        """
        reports, around = self._health.all(), self._health.around()
        now, zone = self._clock.now(), self._governing.zone
        cards: dict[str, tuple[str | None, HealthCard]] = {_subject(None, card): (None, card) for card in around}
        for report in reports:
            cards |= {_subject(report.connection, card): (report.connection, card) for card in report.cards}
        cards |= {_subject(name, card): (name, card) for name, card in self._health.removed()}
        unseen = {report.connection for report in reports if report.state != "active" or _cannot_run(report)}
        there = {report.connection for report in reports}
        ways = [way.name for way in self._ways]
        counts = {BEGUN: 0, ENDED: 0, DROPPED: 0}
        with self._store.write() as connection:
            standing = self._outbox.standing(connection)
            fresh: list[Notice] = []
            for subject, (name, card) in cards.items():
                earlier = standing.get(subject)
                anew = earlier is not None and card.since is not None and card.since > earlier.at
                if (card.needs_person or card.code in ALSO) and (earlier is None or anew):
                    fresh.append(Notice(0, subject, BEGUN, name, card.code, now, *begun(card)))
            for subject, earlier in standing.items():
                if subject in cards or earlier.connection in unseen:
                    continue
                gone = earlier.connection is not None and earlier.connection not in there
                kind = DROPPED if gone and earlier.code != REMOVAL else ENDED
                fresh.append(
                    Notice(0, subject, kind, earlier.connection, earlier.code, now, *ended(earlier, now, zone))
                )
            for notice in fresh:
                self._outbox.add(connection, notice, ways if notice.kind != DROPPED else ())
                self._audit.record(
                    actor, Act.NOTICES_TELL, Outcome(notice.kind), target=notice.subject, within=connection
                )
                counts[notice.kind] += 1
        return counts[BEGUN], counts[ENDED]

    def send(self) -> tuple[int, int]:
        """Give every way out what waits for it; gives how many notices went out and how many did not.

        A notice counts as sent once its way has taken it; a process that dies in between sends it twice. A way that
        cannot be reached is left alone for a while and holds up no other. Nothing where another process is at it.
        """
        sent = failed = 0
        try:
            with self._store.lease(_LEASE):
                for way in self._ways:
                    went, left = self._through(way)
                    sent, failed = sent + went, failed + left
        except Busy:
            return 0, 0
        return sent, failed

    def waiting(self) -> int:
        """How many notices wait for a way out that is set."""
        return self._outbox.waiting([way.name for way in self._ways])

    def list(self, limit: int = 50) -> list[Sent]:
        """The newest notices, newest first, and what became of each by each way."""
        return self._outbox.newest(limit)

    def test(self, actor: Actor) -> Sequence[Tried]:
        """Send a test by every way that is set, now, and say what came of it."""
        now = self._clock.now()
        notice = Notice(0, "test", TEST, None, "test", now, *trial(self._agency))
        self._audit.record(actor, Act.NOTICES_TEST, Outcome.ASKED, ways=[way.name for way in self._ways])
        trials = []
        for way in self._ways:
            try:
                trials.append(Tried(way.name, True, _handed_over(way, notice)))
            except NotSent as failed:
                trials.append(Tried(way.name, False, str(failed)))
        return trials

    def _through(self, way: Way) -> tuple[int, int]:
        sent = failed = 0
        for notice in self._outbox.due(way.name, self._clock.now()):
            try:
                answer = _handed_over(way, notice)
            except NotSent as refused:
                failed += 1
                self._outbox.failed(notice, way.name, self._clock.now(), str(refused))
                if not refused.answered:
                    self._outbox.put_off(way.name, self._clock.now(), notice)
                    break
            else:
                sent += 1
                self._outbox.sent(notice, way.name, self._clock.now(), answer)
        return sent, failed


def _handed_over(way: Way, notice: Notice) -> str:
    """What a way says of a notice that it took; one way's fault, whatever it is, keeps no other from telling.

    A server that answers a byte now and then holds up nobody: after `WHOLE` the notice counts as not sent.
    """
    answers: list[str | NotSent] = []

    def send() -> None:
        try:
            answers.append(way.send(notice))
        except NotSent as refused:
            answers.append(refused)
        except Exception as broken:
            log.error("a notice could not be sent by %s: %s", way.name, type(broken).__name__)
            answers.append(NotSent(f"{way.name} failed for a reason that only the log tells", answered=True))

    sending = threading.Thread(target=send, name=f"notice by {way.name}", daemon=True)
    sending.start()
    sending.join(WHOLE.total_seconds())
    answer = answers[0] if answers else NotSent(f"{way.name} was not done within {span(WHOLE)}")
    if isinstance(answer, NotSent):
        raise answer
    return answer


def _subject(connection: str | None, card: HealthCard) -> str:
    return "/".join((connection or "", card.code, card.about))


def _cannot_run(report: ConnectionHealth) -> bool:
    return any(card.code == "no_connector" for card in report.cards)
