"""Whose hub this is: said once by a person, kept in the database, and the same for every process from then on.

The agency's clock is that of its policy: days, months and nights are counted by one zone, so a second one is refused.
"""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import insert, make_url, select, update

from connectors.file_words import refusal
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.clock import Clock
from hub.errors import AdminMustAct, Conflict, Invalid, NoAgency, NotFound
from hub.governing.in_force import Governing, begin
from hub.people import Actor
from hub.policy.decisions import Decision, read_decisions
from hub.policy.profile import Profile, load
from hub.settings import HubSettings
from hub.store import tables
from hub.store.engine import Store
from hub.store.instant import to_micros

LONGEST: Final = 100
_ONE: Final = 1


def settle(store: Store, audit: Audit, clock: Clock, settings: HubSettings, *, asked_for: bool) -> str:
    """The agency's name; where settings name agency and policy and the hub has none yet, it keeps them.

    `asked_for` says that the settings are not in a caller's hands but in the environment: then a hub that nobody has
    named is none to work with, and no policy begins to govern unasked; raises `NoAgency`. What the settings say and
    what is kept must agree: raises `AdminMustAct` where they do not.
    """
    given = settings.model_fields_set
    kept, governing, actor = _kept(store), Governing(store), Actor.of_process()
    in_force = governing.profile_or_none()
    if kept is None and {"agency", "profile"} <= given:
        name = checked(settings.agency)
        profile = in_force or load(settings.profile)
        _same_policy(settings, profile, governing)
        _same_zone(settings, profile)
        begin(store, audit, clock, actor, settings.profile, signed(settings))
        return _keep(store, audit, clock, actor, name)
    if kept is None:
        if asked_for:
            raise none_in(settings, in_force.name if in_force else None)
        begin(store, audit, clock, actor, settings.profile, signed(settings))
        return settings.agency
    profile = in_force or begin(store, audit, clock, actor, settings.profile, signed(settings))
    if "agency" in given and settings.agency.strip() != kept:
        raise AdminMustAct(
            f"ALPRHUB_AGENCY says {settings.agency!r}, but this is the hub of {kept!r}: unset it, or set ALPRHUB_DATA"
            " or ALPRHUB_DATABASE_URL to the hub that is meant"
        )
    if "profile" in given:
        _same_policy(settings, profile, governing)
    _same_zone(settings, profile)
    return kept


def signed(settings: HubSettings) -> tuple[Decision, ...]:
    """What the settings say is signed about the policy of the first start; raises `NotFound`, and `Invalid`."""
    file = settings.decisions
    if file is None:
        return ()
    try:
        return read_decisions(file.read_bytes(), str(file))
    except FileNotFoundError as failed:
        raise NotFound(f"ALPRHUB_DECISIONS: {refusal(failed, file)}") from None
    except OSError as failed:
        raise Invalid(f"ALPRHUB_DECISIONS: {refusal(failed, file)}") from None


def none_in(settings: HubSettings, in_force: str | None = None) -> NoAgency:
    """What is raised where nobody has said whose hub is where these settings say."""
    if settings.database_url is None:
        return NoAgency(in_force, str(settings.data), "ALPRHUB_DATA")
    url = make_url(settings.database_url.get_secret_value())
    at = f" at {url.host}" if url.host else ""
    return NoAgency(in_force, f"the database {url.database!r}{at}", "ALPRHUB_DATABASE_URL")


def rename(store: Store, audit: Audit, clock: Clock, actor: Actor, name: str) -> str:
    """Give the hub's agency another name, in its connections too; gives the name before. Raises `Invalid`."""
    table, accounts, new = tables.agency, tables.connections, checked(name)
    with store.write() as connection:
        before = connection.execute(select(table.c.name)).scalar_one()
        named = {"name": new, "named_at": to_micros(clock.now()), "named_by": actor.name}
        connection.execute(update(table).values(**named))
        connection.execute(update(accounts).where(accounts.c.agency == before).values(agency=new))
        audit.record(actor, Act.AGENCY_RENAME, Outcome.DONE, target=new, within=connection, before=before)
    return str(before)


def checked(name: str) -> str:
    """An agency's name without the spaces around it; raises `Invalid` where it is none."""
    text = name.strip()
    if not text or len(text) > LONGEST or not text.isprintable():
        raise Invalid(f"agency: needs a name of 1 to {LONGEST} characters on one line")
    return text


_USUAL: Final = {
    "eastern": "America/New_York", "central": "America/Chicago", "mountain": "America/Denver",
    "pacific": "America/Los_Angeles", "alaska": "America/Anchorage", "hawaii": "Pacific/Honolulu",
}  # fmt: skip
"""What people in the United States call their zones."""


def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name; raises `Invalid`, naming near ones."""
    known = available_timezones()
    if name in known:
        return ZoneInfo(name)
    wanted = name.strip().replace(" ", "_").casefold()
    usual = [_USUAL[wanted.removesuffix("_time")]] if wanted.removesuffix("_time") in _USUAL else []
    near = [*usual, *sorted({key for key in known if wanted and wanted in key.casefold()}.difference(usual))][:5]
    hint = f"did you mean {' or '.join(near)}?" if near else "write it as America/Los_Angeles"
    raise Invalid(f"zone: {name!r} is no zone of the IANA list; {hint}")


def machine_zone() -> str | None:
    """The zone that this machine's clock is set to, where it says so by name."""
    candidates = [os.environ.get("TZ", "").removeprefix(":")]
    with suppress(OSError):
        candidates.append(str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")[2])
    known = available_timezones()
    return next(
        (
            candidate
            for candidate in candidates
            if candidate in known and "/" in candidate and not candidate.startswith("Etc/")
        ),
        None,
    )


def one_clock(one: ZoneInfo, other: ZoneInfo) -> bool:
    """Whether two names mean one clock: `US/Pacific` is `America/Los_Angeles`."""
    months = [datetime(year, month, 15, 12, tzinfo=UTC) for year in (2024, 2025) for month in range(1, 13)]
    return all(at.astimezone(one).utcoffset() == at.astimezone(other).utcoffset() for at in months)


def _kept(store: Store) -> str | None:
    with store.read() as connection:
        return connection.scalar(select(tables.agency.c.name))


def _keep(store: Store, audit: Audit, clock: Clock, actor: Actor, name: str) -> str:
    table, accounts = tables.agency, tables.connections
    with store.write() as connection:
        kept = connection.scalar(select(table.c.name))
        if kept is not None:  # somebody else's first start
            if kept != name:
                raise Conflict(f"agency: somebody else has just made this the hub of {kept!r}")
            return name
        now = to_micros(clock.now())
        connection.execute(insert(table).values(id=_ONE, name=name, named_at=now, named_by=actor.name))
        connection.execute(update(accounts).values(agency=name))
        audit.record(actor, Act.AGENCY_NAME, Outcome.DONE, target=name, within=connection)
    return name


def _same_policy(settings: HubSettings, in_force: Profile, governing: Governing) -> None:
    """Return where the settings' policy is in force, or was: it names that of the first start alone."""
    named = load(settings.profile)
    if named.id != in_force.id and all(named.id != before.id for _, before in governing.history()):
        raise AdminMustAct(
            f"ALPRHUB_PROFILE says {settings.profile!r}, but the policy in force is {in_force.name!r}: unset it, or"
            f" change the policy with alprhub policy activate {settings.profile} --reason …"
        )


def _same_zone(settings: HubSettings, profile: Profile) -> None:
    if settings.zone is None or one_clock(settings.zone, profile.zone):
        return
    raise AdminMustAct(
        f"zone: {settings.zone} is not {profile.zone}, in which the policy {profile.name!r} counts its days, and a hub"
        f" has one clock. Make a policy of your own: alprhub policy copy {profile.name} ours.yaml --zone"
        f" {settings.zone} --agency NAME, then name ours.yaml as the profile"
    )
