"""The repair cards of a connection: what is not as it should be, in words, and what a person does about it.

No card names the command that shows it (`health`), nor a check where a check is what failed.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from shlex import quote
from typing import Any, Final

import msgspec
from sqlalchemy import Row

from connectors.contract import Connector, abilities
from hub.connections import figures
from hub.connections.accounts import Account
from hub.connections.card import FAILING, LATE, OK, PAUSED, SILENT, Card
from hub.connections.copies import UnprovedList
from hub.connections.filecards import HINT, file_cards
from hub.connections.heardcards import heard_cards
from hub.connections.listcards import list_cards, withdrawn_cards
from hub.connections.remedies import remedy
from hub.store.heard import HeardLine
from hub.store.instant import from_micros, to_micros
from hub.store.runs import TimeSpan
from hub.store.silences import Silence
from hub.words import count, moment, named, span

SOON: Final = timedelta(days=30)
"""How long before its end a credential is worth a card."""
LAST_CALL: Final = timedelta(days=7)
"""The same from which it cannot be put off."""
CUT_SHORT: Final = 3
"""After so many runs in a row that were stopped before they brought anything, the vendor's state is unknown."""
MISSED: Final = 3
"""A connection is late after so many of its intervals without a run that ended well."""
FEWEST: Final = 20
"""Reads in an hour below which half of them means nothing."""
SURE: Final = 5
"""An empty hour is news if it usually brings at least so many reads: chance alone empties one such hour in 150, and one
in three with a single read an hour."""
NEWBORN: Final = timedelta(days=1)
PATIENCE: Final = timedelta(hours=1)
"""How long a vendor may be down before a person should ask it, and a gap open before a person should fill it."""
IMAGE_HOSTS: Final = "image_hosts"
"""The setting by which connectors are told from where pictures may be fetched."""
KEPT_SOON: Final = timedelta(minutes=5)
"""A push that has waited longer than this is not being kept."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was looked at of one connection."""

    account: Account
    kind: type[Connector[Any]] | None
    row: Row[Any]
    closed: str | None
    ends: figures.OldestAndNewest
    hour: figures.Hour
    quiet: list[Silence]
    runs: figures.Runs
    records: figures.Records
    why_refused: tuple[str, str] | None
    copies: list[UnprovedList]
    elsewhere: dict[str, int]
    """Hosts of pictures that it may not talk to, and how many pictures lie at each."""
    missed: list[TimeSpan]
    ahead: int
    waiting: int
    waiting_since: datetime | None
    credentials_end: date | None
    bad_files: list[str]
    """What is wrong with each file that lies in its drop and cannot be taken."""
    line: HeardLine | None
    """How it stands with what is listened to; None where nobody listens."""
    now: datetime
    zone: tzinfo

    def can(self, ability: str) -> bool:
        """Whether the connector has an ability."""
        return self.kind is not None and ability in abilities(self.kind)

    def at(self, instant: datetime) -> str:
        """An instant as people of the agency read it, and how long ago that is."""
        return f"{moment(instant, self.zone)} ({span(self.now - instant)} ago)"


def cards(seen: Seen) -> list[Card]:
    """Every card of a connection, in no order."""
    name = seen.account.name
    if seen.account.state == "removing":
        return [_removing(seen)]
    if seen.account.state != "active":
        gone = withdrawn_cards(seen.copies, seen.account, seen.now, seen.zone)
        return [_paused(seen), *_closed(seen), *gone]
    if seen.kind is None:
        sentence = f"Its connector {seen.account.connector!r} is not installed here, or not allowed to run."
        if seen.row.retention_vendor is None:
            sentence += " Nobody knows yet how long its reads live. Nothing of it is shortened or purged until then."
        return [
            Card(
                FAILING, f"{name} has no connector", sentence,
                f"Install it, or name {seen.account.connector} in the setting ALPRHUB_ALLOW_CONNECTORS.",
                "alprhub connectors list", "no_connector", plain=sentence,
            )
        ]  # fmt: skip
    checks = (
        *(_failing, _stopped, _refused, _silent, _late, _ahead, _fewer, _cameras, _gap, _waiting, _elsewhere),
        _credentials,
    )
    cards = [card for check in checks if (card := check(seen)) is not None]
    heard = heard_cards(seen.line, seen.account, seen.row.added_at, seen.now, seen.zone) if seen.can("listens") else []
    cards += file_cards(seen.bad_files, name)
    return _closed(seen) + heard + cards + list_cards(seen.copies, seen.account, seen.kind, seen.now, seen.zone)


def _removing(seen: Seen) -> Card:
    name = seen.account.name
    sentence = f"The removal of {name} was begun and is not over: what it has at the vendor is not proved to be gone."
    return Card(
        PAUSED, f"{name} is being removed", sentence,
        "Repeat the removal, with --keep-reads or --purge-reads as it was begun: it goes on where it stopped, and says"
        " what stands against it.",
        f"alprhub connections remove {name} --reason WHY", "removal_stopped", plain=sentence,
    )  # fmt: skip


def _paused(seen: Seen) -> Card:
    name, why = seen.account.name, seen.account.state_reason or "no reason was given"
    # Older versions did not note who paused it; the run that was refused shows it.
    by_hub = seen.row.paused_by_hub or (seen.runs.outcome == "AdminMustFix" and seen.runs.error == why)
    if not by_hub:
        return Card(
            PAUSED, f"{name} is paused", f"It is paused: {why.rstrip('.')}.",
            "Nothing comes in, and no list goes out, until it is resumed; the account is tried first.",
            f"alprhub connections resume {name}", "paused", needs_person=False, plain=f"{name} is paused by a person.",
        )  # fmt: skip
    cure = remedy(why, name)
    return Card(
        PAUSED, f"{name} is paused: {cure.found}", f"It is paused: {why.rstrip('.')}.", cure.do, cure.command,
        cure.code, plain=f"It is paused, since {cure.found}. Nothing comes in until a person has acted.",
    )  # fmt: skip


def _closed(seen: Seen) -> list[Card]:
    if seen.closed is None:
        return []
    name = seen.account.name
    plain = f"The secrets of {name} cannot be opened with this hub's key, so nothing comes in and nothing goes out."
    return [
        Card(
            FAILING, f"The secrets of {name} are closed", f"{plain} {seen.closed[:1].upper()}{seen.closed[1:]}.",
            "Bring secret.key back from where it is kept apart into the hub's data folder (or set ALPRHUB_SECRET_KEY"
            " as it was); if it is lost, enter the secrets anew with the command below.",
            f"alprhub connections rotate {name}", "secrets_closed", plain=plain,
        )
    ]  # fmt: skip


def _failing(seen: Seen) -> Card | None:
    runs, name = seen.runs, seen.account.name
    pulled = seen.can("pulls_reads") or seen.can("looks_up_plates")
    if not runs.failed or runs.failing_since is None or not pulled:  # what only sends has no runs that could fail
        return None
    which = f"{runs.failed} runs in a row" if runs.failed > 1 else "The last run"
    plain = f"{which} failed since {seen.at(runs.failing_since)}"
    happened = f"{plain}: {(runs.error or 'for a reason that only the log of that run tells').rstrip('.')}."
    outcome, person, code = runs.outcome, True, "runs_fail"
    command = f"alprhub connections diagnostics {name} --out {name}.zip"
    if outcome == "AdminMustFix":
        cure = remedy(runs.error or "", name)
        code, do, command = cure.code, cure.do, cure.command
    elif outcome == "TryAgain":
        code, person = "vendor_down", seen.now - runs.failing_since >= PATIENCE
        do = "Runs go on by themselves where they stopped. If it lasts, try the account, and ask the vendor."
        command = f"alprhub connections check {name}"
    elif outcome == "VendorChanged" and (hints := HINT.findall(runs.error or "")):
        code, command = "columns_named", f"alprhub connections change {name} {' '.join(dict.fromkeys(hints))}"
        do = "Say with the command below which column is which; the next run takes what was left."
    elif outcome == "VendorChanged":
        code = "vendor_changed"
        do = "The vendor answers otherwise than it documents: give the bundle to whoever keeps the connector."
    elif outcome == "Killed":
        code, person = "runs_killed", runs.failed > 1
        do = "See what ends the process: memory, disk, a restart. The next run goes on where this one stopped."
        command = f"alprhub sync {name}"
    else:
        do = "Run it by hand and see what it says; if that does not tell, the bundle of `connections diagnostics` may."
        command = f"alprhub sync {name}"
    return Card(
        FAILING, f"Runs of {name} fail", happened, do, command, code, needs_person=person, plain=f"{plain}.",
        since=runs.failing_since,
    )  # fmt: skip


def _stopped(seen: Seen) -> Card | None:
    runs, name = seen.runs, seen.account.name
    if runs.failed or runs.stopped < CUT_SHORT or runs.stopped_since is None:
        return None
    happened = (
        f"The last {runs.stopped} runs, since {seen.at(runs.stopped_since)}, were all stopped before a page was kept:"
        " whether its vendor answers is not known."
    )
    return Card(
        FAILING, f"Runs of {name} are stopped before they bring anything", happened,
        "See what ends them so soon (a restart, a time limit of whatever runs the schedules), and try the account.",
        f"alprhub connections check {name}", "runs_stopped", plain=happened, since=runs.stopped_since,
    )  # fmt: skip


def _refused(seen: Seen) -> Card | None:
    came, refused = seen.records
    if not refused:
        return None
    name, share = seen.account.name, seen.records.share
    whole = f"{count(refused, 'record')} of the last {came:,}" if came > 1 else "The last record"
    plain = f"{whole} could not become {'a read' if came == 1 else 'reads'} ({share:.0%})."
    why = f" Most often {seen.why_refused[0]}: {seen.why_refused[1]}." if seen.why_refused else ""
    if not seen.records.too_many:
        return Card(
            OK, f"Some records of {name} are set aside", plain + why, "See which they are; nothing is lost.",
            "alprhub quarantine list", "some_refused", needs_person=False, plain=plain,
        )  # fmt: skip
    ahead = seen.why_refused is not None and seen.why_refused[0] == "captured_at" and "future" in seen.why_refused[1]
    if ahead:
        return Card(
            FAILING, f"Times of {name} lie in the future", plain + why,
            "Set the clock or the zone right: that of the cameras, or the setting of the connection (alprhub"
            f" connections change {name} --set SETTING=VALUE). Then try the kept records again.",
            f"alprhub quarantine replay {name}", "times_in_future", plain=plain,
        )  # fmt: skip
    return Card(
        FAILING, f"Too many records of {name} are set aside", plain + why,
        "The sender's form may have changed. See which fields it is about; every record is kept, and a replay makes"
        " reads of them once the settings or the connector are mended.",
        "alprhub quarantine list", "records_refused", plain=plain,
    )  # fmt: skip


def _silent(seen: Seen) -> Card | None:
    hour, name = seen.hour, seen.account.name
    if not (seen.can("pulls_reads") or seen.can("receives_reads") or seen.can("listens")) or _on_demand(seen):
        return None
    if seen.ends.newest is None:
        if to_micros(seen.now - NEWBORN) < seen.row.added_at:
            return None
        happened = f"It was added {seen.at(from_micros(seen.row.added_at))} and never brought a read that is kept."
    elif hour.now == 0 and (usual := hour.usual()) is not None and usual >= SURE and min(hour.known()) > 0:
        happened = f"No read in the last hour; this hour always brings some, usually {usual:.0f}."
    else:
        return None
    if seen.can("pulls_reads"):
        do = "Try what the source gives now; if that is nothing too, ask whoever runs the cameras, and then the vendor."
        command = f"alprhub connections dry-run {name}"
    else:
        do = "See that the receiver is up and that the sender still has its address and secret; then ask its owner."
        command = f"alprhub connections check {name}"
    return Card(SILENT, f"{name} went silent", happened, do, command, "silent", plain=happened)


def _late(seen: Seen) -> Card | None:
    runs, account = seen.runs, seen.account
    if runs.failed or not (seen.can("pulls_reads") or seen.can("looks_up_plates")):
        return None
    patience = timedelta(seconds=MISSED * account.every_seconds)
    since = runs.last_success or from_micros(seen.row.added_at)
    if seen.now - since <= patience:
        return None
    last = f"the last run ended {seen.at(since)}" if runs.last_success else "none has ended yet"
    happened = f"It should run every {span(account.every_seconds)}, and {last}."
    return Card(
        LATE, f"{account.name} has not run", happened,
        "See that whatever runs the schedules is up (`alprhub run`, or Prefect and its worker); a run by hand catches"
        " up.",
        f"alprhub sync {account.name}", "not_run", plain=happened,
    )  # fmt: skip


def _ahead(seen: Seen) -> Card | None:
    if not seen.ahead:
        return None
    name = seen.account.name
    happened = (
        f"{count(seen.ahead, 'run')} of {name} {'lies' if seen.ahead == 1 else 'lie'} in the future: the clock of this"
        " machine was ahead then. What was asked for is not known, so reads may be missing."
    )
    return Card(
        LATE, f"Runs of {name} lie in the future", happened,
        "The next run counts them as none and pulls again what they skipped; this does it now. See that the machine's"
        " clock is right (alprhub clock).",
        f"alprhub sync {name}", "runs_ahead", needs_person=False, plain=happened,
    )  # fmt: skip


def _fewer(seen: Seen) -> Card | None:
    usual = seen.hour.usual()
    if _on_demand(seen) or usual is None or usual < FEWEST or not 0 < seen.hour.now < usual / 2:
        return None
    happened = f"{count(seen.hour.now, 'read')} in the last hour, where this hour usually brings {usual:,.0f}."
    return Card(
        LATE, f"{seen.account.name} brings fewer reads", happened,
        "Reads may be under way; if this lasts, look for cameras that are silent.",
        f"alprhub gaps {seen.account.name}", "fewer_reads", needs_person=False, plain=happened,
    )  # fmt: skip


def _cameras(seen: Seen) -> Card | None:
    if not seen.quiet or _on_demand(seen):
        return None
    first, number = seen.quiet[0], len(seen.quiet)
    others = named([silence.camera for silence in seen.quiet[1:]])
    usual = span(max(first.usual_gap_seconds, 60))
    happened = f"No read from {first.camera} since {seen.at(first.last_read)}, usually one every {usual}"
    happened += f"; nor from {others}." if others else "."
    title = f"{count(number, 'camera')} of {seen.account.name} {'is' if number == 1 else 'are'} silent"
    return Card(
        LATE, title, happened,
        "Look at these cameras at the vendor's: power, network, lens, or a name that was changed.",
        f"alprhub gaps {seen.account.name}", "cameras_silent", plain=f"{title}.",
    )  # fmt: skip


def _gap(seen: Seen) -> Card | None:
    if not seen.missed:
        return None
    name, newest = seen.account.name, seen.missed[-1]
    begun, over = from_micros(newest.since), from_micros(newest.until)
    lasts = seen.now - from_micros(seen.missed[0].until) >= PATIENCE
    happened = (
        f"No run has covered {moment(begun, seen.zone)} to {moment(over, seen.zone)} ({span(over - begun)})"
        + (f", nor {count(len(seen.missed) - 1, 'time')} before that" if len(seen.missed) > 1 else "")
        + ": reads may be missing."
    )
    return Card(
        LATE, f"Reads of {name} may be missing", happened,
        "Runs pull it again by themselves, a part at a time; this does it now. What the vendor no longer has is lost.",
        f"alprhub backfill {name}", "gap", needs_person=lasts, plain=happened, since=over,
    )  # fmt: skip


def _waiting(seen: Seen) -> Card | None:
    if not seen.waiting or seen.waiting_since is None or seen.now - seen.waiting_since < KEPT_SOON:
        return None
    pushes = count(seen.waiting, "push", "pushes")
    verb = "waits" if seen.waiting == 1 else "wait"
    happened = f"{pushes} of {seen.account.name} {verb} to be kept, the oldest since {seen.at(seen.waiting_since)}."
    return Card(
        FAILING, f"Pushes of {seen.account.name} wait", happened,
        "They are safe on the disk, and neither found nor matched until they are kept: see that the receiver is up and"
        " what its log says.",
        "alprhub serve", "pushes_wait", plain=happened,
    )  # fmt: skip


def _elsewhere(seen: Seen) -> Card | None:
    if not seen.elsewhere:
        return None
    name, number = seen.account.name, sum(seen.elsewhere.values())
    hosts = named([f"{host} ({pictures:,})" for host, pictures in seen.elsewhere.items()])
    happened = f"{count(number, 'picture')} of {name} {'lies' if number == 1 else 'lie'} at hosts that it may not ask:"
    command = f"alprhub connections show {name}"
    do = "They stay where they are; the reads are kept without them."
    if seen.kind is not None and IMAGE_HOSTS in seen.kind.Settings.model_fields:
        allowed = [*msgspec.json.decode(seen.row.settings).get(IMAGE_HOSTS, ()), *seen.elsewhere]
        command = (
            f"alprhub connections change {name} --set {quote(f'{IMAGE_HOSTS}={msgspec.json.encode(allowed).decode()}')}"
        )
        do = "If these hosts are the vendor's, allow them: the next run fetches what is still there. Else leave it so."
    return Card(
        OK, f"Pictures of {name} are not fetched", f"{happened} {hosts}.", do, command, "pictures_elsewhere",
        needs_person=False, plain=f"{happened} {hosts}.",
    )  # fmt: skip


def _credentials(seen: Seen) -> Card | None:
    end, name = seen.credentials_end, seen.account.name
    left = end - seen.now.astimezone(seen.zone).date() if end else None
    if end is None or left is None or left > SOON:
        return None
    over = left <= timedelta(0)
    happened = f"The credentials {'ended' if over else 'end'} on {end.isoformat()}."
    title = f"Credentials of {name} " + ("are over" if over else f"end in {count(left.days, 'day')}")
    return Card(
        FAILING if over else OK, title, happened,
        "Get new ones from the vendor and put them in; they are tried before they replace the old.",
        f"alprhub connections rotate {name}", "credentials_over" if over else "credentials_end",
        needs_person=left <= LAST_CALL, plain=happened,
    )  # fmt: skip


def _on_demand(seen: Seen) -> bool:
    """Whether it brings only what it is asked for, or only hits of our lists: its hours cannot be compared."""
    return seen.can("looks_up_plates") and not seen.can("pulls_reads")
