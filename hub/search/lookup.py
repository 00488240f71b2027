"""`Lookups`: one plate, asked of the store and at the same time of every source that answers on demand.

A source that is slow or down costs its own part of an answer and nothing else: at the deadline the answer leaves with
what is there and says what is missing. What a vendor had sent by then is kept all the same, and the next search finds
it. On record are the person's question (`reads.lookup`), before each vendor is asked that it will be (`asked`) and
afterwards what came of it, and the search of the store that the rows come from (`reads.search`).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, NamedTuple

from connectors.contract import Connector, Frame, LooksUpPlates, Lookup, Page
from connectors.errors import AdminMustFix, ConnectorError, TryAgain, kind_of, sentence
from hub.access.asking import Asking
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import HubError, Invalid, PolicyRefused
from hub.people import Actor, Why
from hub.ports import Accounts, ConfiguredAccount, Takes
from hub.search.coverage import Coverage
from hub.search.query import Query
from hub.search.reads import Search
from hub.search.rows import Found
from hub.search.sources import Board, Deadline, Occupied, SourceStatus, Status, TooLate
from hub.store.page import Saved
from normalize.fault import Unusable
from normalize.plate import LONGEST, canonical, length
from normalize.spreadsheet import damage

DEADLINE: Final = 15.0
"""Seconds that an answer may take when nobody says otherwise."""
LONGEST_DEADLINE: Final = 300.0
REACH: Final = timedelta(days=30)
"""How far a lookup looks back when nobody says otherwise."""
MOST_AT_ONCE: Final = 8
"""Sources that are asked at the same time; more wait for their turn."""
_WILD: Final = frozenset("?*%_[]")


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """The rows that the store holds now, how far it could answer by itself, and what each source said to the question.

    `next` is the cursor of the next page, for a search of the same plate and time.
    """

    rows: list[Found]
    coverage: list[Coverage]
    sources: list[SourceStatus]
    next: str | None


class _Source(NamedTuple):
    """A connection that can be asked; one thread uses it."""

    account: ConfiguredAccount
    connector: Connector[Any]
    lookup: Callable[[Lookup], Iterator[Page]]


class Lookups:
    """Asks every source about one plate. One object may serve many askers at once."""

    def __init__(
        self,
        asking: Asking,
        audit: Audit,
        clock: Clock,
        search: Search,
        accounts: Accounts,
        intake: Takes,
    ) -> None:
        self._asking = asking
        self._audit = audit
        self._clock = clock
        self._search = search
        self._accounts = accounts
        self._intake = intake
        self._busy = Occupied()

    def ask(
        self,
        actor: Actor,
        plate: str,
        why: Why,
        *,
        state: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        deadline: float = DEADLINE,
        limit: int = 100,
        progress: Callable[[SourceStatus], None] | None = None,
    ) -> LookupAnswer:
        """Every read of one full plate that the hub holds or can learn of within `deadline` seconds, newest first.

        Without times, the last 30 days until now; `state` is ISO 3166-2. `progress` is called in the caller's thread
        with every change of a source. A source's failure is a status, never an error. Raises `PolicyRefused` without a
        purpose of the profile or a reason that says something, and `Invalid` naming the field; nobody is asked then.
        """
        end = until or self._clock.now()
        begin = since or end - REACH
        terms = {"plate": plate, "state": state, "since": begin, "until": end, "deadline": deadline}
        with self._asking.question(actor, Act.READS_LOOKUP, why, **terms) as question:
            if not 0 < deadline <= LONGEST_DEADLINE:
                raise Invalid(f"deadline: must lie between 0 and {LONGEST_DEADLINE:g} seconds")
            lookup = Lookup(_full(plate), begin, end, why.reason, state, why.case_number)
            states = (state,) if state else ()
            query = Query(why, plates=(lookup.plate,), states=states, since=begin, until=end, limit=limit)
            query.patterns()
            parts = self._everybody(actor, why, lookup, Deadline(deadline), progress or _nobody)
            answer = self._search.find(actor, query)
            question.answered(len(answer.rows), {part.connection: part.status for part in parts})
        return LookupAnswer(answer.rows, answer.coverage, parts, answer.next)

    def settle(self, seconds: float = 10.0) -> bool:
        """Wait until everything that late sources had sent is kept; False where that takes longer than `seconds`.

        For a process that ends after an answer: no vendor is waited for, and what it has not sent yet is not lost.
        """
        return self._busy.over(seconds)

    def _everybody(
        self, actor: Actor, why: Why, lookup: Lookup, deadline: Deadline, progress: Callable[[SourceStatus], None]
    ) -> list[SourceStatus]:
        """What every connection made of the question by the deadline, on record."""
        sources, parts = self._sources(deadline)
        board = Board(parts)
        waiting: SimpleQueue[_Source] = SimpleQueue()
        for source in sources:
            waiting.put(source)
        work = _Asked(actor, why, lookup, deadline, board)
        for _ in range(min(len(sources), MOST_AT_ONCE)):
            # Daemons: a process must be able to end while a vendor is still silent.
            Thread(target=self._work, args=(work, waiting), name="lookup", daemon=True).start()
        ended = board.follow(deadline, progress)
        names = {source.account.name for source in sources}
        for part in ended:
            if part.connection in names:
                self._record(work, part)
        return ended

    def _sources(self, deadline: Deadline) -> tuple[list[_Source], list[SourceStatus]]:
        """The connections that can be asked, and how every connection stands at the beginning."""
        sources: list[_Source] = []
        parts = []
        for account in self._accounts.list():
            if account.state != "active":
                parts.append(SourceStatus(account.name, Status.PAUSED, error=account.state_reason))
                continue
            try:
                source = self._source(account.name, deadline)
            except Exception as failed:
                parts.append(SourceStatus(account.name, Status.FAILED, error=_text(failed), failure=_kind(failed)))
                continue
            if source is not None:
                sources.append(source)
            parts.append(SourceStatus(account.name, Status.WAITING if source else Status.NOT_ASKED))
        return sources, parts

    def _source(self, name: str, deadline: Deadline) -> _Source | None:
        account, connector = self._accounts.open(name)
        # The same account again, with our patience: a sync may try for minutes, and nobody waits for it.
        frame = Frame(clock=self._clock, sleep=deadline.sleep, patience=deadline.left)
        ours = type(connector)(connector.settings, frame)
        return _Source(account, ours, ours.lookup) if isinstance(ours, LooksUpPlates) else None

    def _work(self, work: "_Asked", waiting: "SimpleQueue[_Source]") -> None:
        """Ask one source after the other until none waits."""
        with suppress(Empty):
            while work.deadline.left() > 0:
                with self._busy:
                    self._ask(work, waiting.get_nowait())

    def _ask(self, work: "_Asked", source: _Source) -> None:
        """Ask one source and tell the board; whatever goes wrong is that source's failure."""
        total = Saved()
        started = time.monotonic()
        shown: SourceStatus | None = None

        def part(status: Status, failed: Exception | None = None) -> SourceStatus:
            seconds = round(time.monotonic() - started, 3)
            counts = (total.pulled, total.stored, total.duplicates, total.quarantined, total.born_expired)
            why = (_text(failed), _kind(failed)) if failed else (None, None)
            return SourceStatus(source.account.name, status, seconds, *counts, *why)

        try:
            self._before(work, source)
            work.board.put(part(Status.ASKING))
            with source.connector:
                for saved in self._pages(work, source):
                    total += saved
                    work.board.put(part(Status.ASKING))
            end = part(Status.ANSWERED)
        except TooLate:
            end = work.deadline.late(part(Status.ASKING))
        except Exception as failed:
            end = part(Status.FAILED, failed)
            # At the deadline the request is given up too, and whichever comes first must say the same.
            if isinstance(failed, TryAgain) and work.deadline.left() <= 0:
                shown = work.deadline.late(part(Status.ASKING))
        if not work.board.put(shown or end):
            # The answer has left, so there is nobody to tell if this cannot be written.
            with suppress(Exception):
                self._record(work, end, after_the_answer=True)

    def _before(self, work: "_Asked", source: _Source) -> None:
        """Put on record that a source is asked: the question alone discloses whom the agency looks for."""
        name, lookup = source.account.name, work.lookup
        try:
            self._audit.record(
                work.actor, Act.READS_LOOKUP, Outcome.ASKED, target=name, why=work.why, plate=lookup.plate,
                state=lookup.state, since=lookup.since, until=lookup.until,
            )  # fmt: skip
        except Exception:
            raise PolicyRefused("the question could not be put on record, so this source was not asked") from None

    def _pages(self, work: "_Asked", source: _Source) -> Iterator[Saved]:
        """Keep the source's pages one by one; raises `TooLate` rather than ask for one after the deadline."""
        try:
            pages = iter(source.lookup(work.lookup))
            while True:
                if work.deadline.left() <= 0:
                    raise TooLate
                page = self._next(pages)
                if page is None:
                    return
                yield self._intake.take(source.connector, source.account.id, page.records, obtained="lookup")
        except AdminMustFix as broken:
            self._accounts.stop(work.actor, source.account.name, str(broken))
            raise

    def _next(self, pages: Iterator[Page]) -> Page | None:
        with self._busy.away():
            return next(pages, None)

    def _record(self, work: "_Asked", part: SourceStatus, **more: Any) -> None:
        """Put on record what came of asking a source."""
        names = ("stored", "duplicates", "quarantined", "born_expired", "error", "failure")
        figures = {name: getattr(part, name) for name in names}
        self._audit.record(
            work.actor, Act.READS_LOOKUP, Outcome(part.status), target=part.connection, why=work.why,
            results=part.reads, plate=work.lookup.plate, **figures, **more,
        )  # fmt: skip


class _Asked(NamedTuple):
    """One question on its way to all sources."""

    actor: Actor
    why: Why
    lookup: Lookup
    deadline: Deadline
    board: Board


def _full(plate: str) -> str:
    """The canonical form of one full plate; raises `Invalid`."""
    if _WILD & set(plate):
        raise Invalid("plate: must be one full plate, without wildcards")
    if (damaged := damage(plate)) is not None:
        raise Invalid(f"plate: {damaged}")
    full = canonical(plate)
    if not full:
        raise Invalid("plate: needs at least one letter or digit")
    if length(full) > LONGEST:
        raise Invalid(f"plate: is longer than {LONGEST} characters")
    return full


def _text(failed: Exception) -> str:
    """The text of an error that was raised on purpose; that of any other may quote a vendor, or a plate."""
    known = isinstance(failed, ConnectorError | HubError | Unusable)
    return sentence(failed) if known else "its connector has a defect: report it to whoever made it"


def _kind(failed: Exception) -> str:
    return kind_of(failed)


def _nobody(_: SourceStatus) -> None:
    """Hear of a change, and do nothing."""
