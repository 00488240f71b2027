"""`Health`: how each connection is, in one word and one sentence, and a repair card for everything that needs a person.

Statuses, the worst of the cards deciding: `paused`, `failing` (its runs end with errors, or what it brings is refused),
`silent` (it always brings reads and now brings none), `late` (behind, but alive), `ok`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from shlex import quote
from typing import Any, Final

import msgspec
from sqlalchemy import Row, select

from connectors.contract import Connector, abilities
from hub.absent import no_connection
from hub.clock import Clock
from hub.connections import figures
from hub.connections.accounts import Account, Connections
from hub.errors import NotFound
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import from_micros, to_micros

OK, LATE, SILENT, FAILING, PAUSED = ORDER = ("ok", "late", "silent", "failing", "paused")
SOON: Final = timedelta(days=30)
"""How long before its end a credential is worth a card."""
MISSED: Final = 3
"""A connection is late after so many of its intervals without a run that ended well."""
DRIFT: Final = 0.05
"""Records refused, as a share of those pulled, from which a card says so."""
FEWEST: Final = 20
"""Records, or reads in an hour, below which a share means nothing."""
NEWBORN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Card:
    """One thing that a person should know: its status, title, what happened, what can be done, and the command."""

    status: str
    title: str
    happened: str
    do: str
    command: str


@dataclass(frozen=True, slots=True)
class Report:
    """How a connection is. `requests_used` is `unknown`: no vendor tells, and what is not counted is not guessed.

    `lag_seconds` runs from the newest capture until now; `hour` is the last hour beside the same hour of the past four
    weeks (None: not known); `drift` is the share of the last runs' records that was refused.
    """

    connection: str
    status: str
    reason: str
    cards: list[Card]
    last_success: datetime | None
    newest_read: datetime | None
    lag_seconds: int | None
    hour: int
    hour_before: list[int | None]
    silent_cameras: list[dict[str, Any]]
    credentials_end: str | None
    requests_used: str
    drift: float | None
    waiting_pushes: int | None
    state: str


class Health:
    """Looks at connections; changes nothing and talks to nobody."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        connections: Connections,
        waiting: Callable[[], Mapping[int, int] | None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._connections = connections
        self._waiting = waiting

    def all(self) -> list[Report]:
        """Every connection's report, by name."""
        waiting = self._waiting()
        return [self._report(account, waiting) for account in self._connections.list()]

    def of(self, name: str) -> Report:
        """One connection's report; raises `NotFound`."""
        there = {account.name: account for account in self._connections.list()}
        if name not in there:
            raise NotFound(no_connection(name, list(there)))
        return self._report(there[name], self._waiting())

    def _report(self, account: Account, waiting: Mapping[int, int] | None) -> Report:
        now = self._clock.now()
        try:
            kind: type[Connector[Any]] | None = self._connections.kind(account.connector)
        except NotFound:
            kind = None
        with self._store.read() as connection:
            accounts = tables.connections
            row = connection.execute(select(accounts).where(accounts.c.id == account.id)).one()
            cameras = figures.cameras_of(connection, account.id)
            idents = [camera.id for camera in cameras]
            ends = figures.ends(connection, idents)
            hour = figures.hour(self._store, connection, idents, ends.oldest, now)
            quiet = figures.silences(connection, cameras, now)
            runs = figures.runs(connection, account.id)
            unproved = figures.unproved(connection, account.id)
        until = _credentials_end(kind, row)
        seen = _Seen(account, kind, row, ends, hour, quiet, runs, unproved, until, now)
        cards = sorted(_cards(seen), key=lambda card: -ORDER.index(card.status))
        status = cards[0].status if cards else OK
        newest = from_micros(ends.newest) if ends.newest else None
        return Report(
            connection=account.name,
            status=status,
            reason=cards[0].happened if cards and status != OK else "Everything is as it should be.",
            cards=cards,
            last_success=runs.last_success,
            newest_read=newest,
            lag_seconds=int((now - newest).total_seconds()) if newest else None,
            hour=hour.now,
            hour_before=hour.weeks,
            silent_cameras=[one._asdict() for one in quiet],
            credentials_end=until.isoformat() if until else None,
            requests_used="unknown",
            drift=round(runs.quarantined / runs.pulled, 4) if runs.pulled else None,
            waiting_pushes=None if waiting is None else waiting.get(account.id, 0),
            state=account.state,
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    account: Account
    kind: type[Connector[Any]] | None
    row: Row[Any]
    ends: figures.Ends
    hour: figures.Hour
    quiet: list[figures.Silence]
    runs: figures.Runs
    unproved: list[tuple[str, str | None]]
    credentials_end: date | None
    now: datetime

    def can(self, ability: str) -> bool:
        """Whether the connector has an ability."""
        return self.kind is not None and ability in abilities(self.kind)


def _cards(seen: _Seen) -> list[Card]:
    name = seen.account.name
    if seen.account.state != "active":
        what = "is being removed" if seen.account.state == "removing" else "is paused"
        why = seen.account.state_reason or "no reason was given"
        command = f"alprhub connections resume {name}"
        if seen.account.state == "removing":
            command = f"alprhub connections remove {name}"
        do = "Settle what the reason names; resuming tries the account first."
        return [Card(PAUSED, f"{name} {what}", f"It {what}: {why}.", do, command)]
    if seen.kind is None:
        do = "Allow the connector again in ALPRHUB_ALLOW_CONNECTORS, or install it."
        told = f"Its connector {seen.account.connector!r} may not run here."
        return [Card(FAILING, f"{name} has no connector", told, do, "alprhub connectors list")]
    checks = (_failing(seen), _drifting(seen), _silent(seen), _late(seen), _fewer(seen), _cameras(seen))
    return [card for card in (*checks, _lists(seen), _credentials(seen)) if card is not None]


def _failing(seen: _Seen) -> Card | None:
    runs, name = seen.runs, seen.account.name
    if not runs.failed or runs.failing_since is None:
        return None
    told = f"{runs.failed} runs in a row" if runs.failed > 1 else "The last run"
    happened = f"{told} ended with {runs.outcome} since {_at(runs.failing_since)}: {runs.error or 'no text'}."
    do = {
        "TryAgain": "The vendor is down or slow; runs go on where they stopped. Ask the vendor if it lasts.",
        "VendorChanged": "The vendor answers in another form than it documents; its maintainer needs the diagnostics.",
        "AdminMustFix": "The account itself is refused: mend it at the vendor, then put in the new secrets.",
    }.get(
        str(runs.outcome),
        "See what the check finds; if that does not tell, make the diagnostics.",
    )
    verb = {"AdminMustFix": "rotate", "VendorChanged": "diagnostics"}.get(str(runs.outcome), "check")
    command = f"alprhub connections {verb} {name}" + (f" --out {name}.zip" if verb == "diagnostics" else "")
    return Card(FAILING, f"Runs of {name} fail", happened, do, command)


def _drifting(seen: _Seen) -> Card | None:
    runs = seen.runs
    if runs.pulled < FEWEST or runs.quarantined < DRIFT * runs.pulled:
        return None
    share = runs.quarantined / runs.pulled
    happened = f"{share:.0%} of the last {runs.pulled} records were refused: the vendor's form may have changed."
    do = "See which fields are refused; nothing is lost, and a replay keeps them once the connector is mended."
    return Card(FAILING, f"Records of {seen.account.name} are refused", happened, do, "alprhub quarantine list")


def _silent(seen: _Seen) -> Card | None:
    hour, name = seen.hour, seen.account.name
    if not (seen.can("pulls_reads") or seen.can("receives_reads")) or _on_demand(seen):
        return None
    if seen.ends.newest is None:
        if to_micros(seen.now - NEWBORN) < seen.row.added_at:
            return None
        happened = f"It was added at {_at(from_micros(seen.row.added_at))} and never brought a read that is kept."
    elif hour.now == 0 and hour.known() and min(hour.known()) > 0:
        usual = f"{hour.usual():.0f}"
        happened = f"No read in the last hour; this hour always brings some, usually {usual}."
    else:
        return None
    do = "Try what the source gives now; if that is nothing too, ask whoever runs the cameras, and then the vendor."
    command = f"alprhub connections dry-run {name}" if seen.can("pulls_reads") else f"alprhub connections check {name}"
    return Card(SILENT, f"{name} went silent", happened, do, command)


def _late(seen: _Seen) -> Card | None:
    runs, account = seen.runs, seen.account
    if runs.failed or not (seen.can("pulls_reads") or seen.can("looks_up_plates")):
        return None
    patience = timedelta(seconds=MISSED * account.every_seconds)
    since = runs.last_success or from_micros(seen.row.added_at)
    if seen.now - since <= patience:
        return None
    told = f"the last one ended at {_at(since)}" if runs.last_success else "none has ended yet"
    happened = f"It should run every {account.every_seconds // 60} minutes, and {told}."
    do = "See that the schedules are served, and that Prefect runs them; a run by hand catches up."
    return Card(LATE, f"{account.name} has not run", happened, do, f"alprhub sync {account.name}")


def _fewer(seen: _Seen) -> Card | None:
    usual = seen.hour.usual()
    if _on_demand(seen) or usual is None or usual < FEWEST or not 0 < seen.hour.now < usual / 2:
        return None
    happened = f"{seen.hour.now} reads in the last hour, where this hour usually brings {usual:.0f}."
    do = "Reads may be under way; if this lasts, look for cameras that are silent."
    command = f"alprhub connections health {seen.account.name}"
    return Card(LATE, f"{seen.account.name} brings fewer reads", happened, do, command)


def _cameras(seen: _Seen) -> Card | None:
    if not seen.quiet or _on_demand(seen):
        return None
    first, count = seen.quiet[0], len(seen.quiet)
    more = f", and {count - 1} more" if count > 1 else ""
    gap = max(first.usual_gap_seconds // 60, 1)
    happened = f"No read from {first.camera} since {_at(first.last_read)}, usually one every {gap} minutes{more}."
    do = "Look at these cameras at the vendor's: power, network, lens, or a name that was changed."
    return Card(LATE, f"{count} cameras are silent", happened, do, f"alprhub connections health {seen.account.name}")


def _lists(seen: _Seen) -> Card | None:
    if not seen.unproved:
        return None
    name, error = seen.unproved[0]
    more = f" and {len(seen.unproved) - 1} more" if len(seen.unproved) > 1 else ""
    happened = f"Hot list {name!r}{more} is not proved to be there: {error or 'its copy differs, or has no receipt'}."
    do = "Publish it again; until that is proved, alerts of this source follow its older copy."
    command = f"alprhub hotlists publish {quote(name)} --connection {seen.account.name}"
    return Card(LATE, f"Hot lists at {seen.account.name} are behind", happened, do, command)


def _credentials(seen: _Seen) -> Card | None:
    end, name = seen.credentials_end, seen.account.name
    left = end - seen.now.date() if end else None
    if end is None or left is None or left > SOON:
        return None
    over = left <= timedelta(0)
    happened = f"The credentials {'ended' if over else 'end'} on {end.isoformat()}."
    do = "Get new ones from the vendor and put them in; they are tried before they replace the old."
    title = f"Credentials of {name} {'are over' if over else f'end in {left.days} days'}"
    return Card(FAILING if over else OK, title, happened, do, f"alprhub connections rotate {name}")


def _on_demand(seen: _Seen) -> bool:
    """Whether it brings only what it is asked for, or what a list of ours hits: no hour of it is like another."""
    return seen.can("looks_up_plates") and not seen.can("pulls_reads")


def _credentials_end(kind: type[Connector[Any]] | None, row: Row[Any]) -> date | None:
    field = kind.Settings.credentials_end if kind else ""
    said = msgspec.json.decode(row.settings).get(field) if field else None
    return date.fromisoformat(said) if said else None


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
