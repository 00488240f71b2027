"""`SameSource`: a source that one connection has under a contract or a stricter kind has no way round it by another.

Who adds a connection is one person. A second one to the same place, or one to the place of a connection that was
removed, would bring the same reads to live longer, which takes two.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from os.path import realpath
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Row, select

from hub.audit.actions import Act
from hub.connections.agreed import in_words
from hub.connections.row import REMOVED
from hub.governing.alarms import Alarms
from hub.governing.in_force import Governing
from hub.people import Actor
from hub.policy.contract import SourceContract
from hub.policy.loosening import loosened_kind
from hub.policy.profile import Profile
from hub.policy.provenance import Provenance
from hub.store import tables
from hub.store.engine import Store
from hub.store.provenance import contract_of

_SOURCE: Final = "source"
_WEB: Final = frozenset({"http", "https"})


class SameSource:
    """Refuses what would take the reads of a source out of what was promised of it."""

    def __init__(self, store: Store, governing: Governing, alarms: Alarms) -> None:
        self._store = store
        self._governing = governing
        self._alarms = alarms

    def demand(
        self, actor: Actor, act: Act, name: str, key: str, settings: Mapping[str, Any], whose: Provenance
    ) -> None:
        """Return if no other connection, removed or not, keeps reads of where these settings point more strictly.

        Else raises `PolicyRefused`, with an alarm, naming that connection and the way.
        """
        here, table = set(sources_of(settings)), tables.connections
        if not here:
            return
        query = select(table).where(table.c.name != name).order_by(table.c.state == REMOVED, table.c.name)
        with self._store.read() as connection:
            rows = connection.execute(query).all()
        profile = self._governing.profile()
        for row in rows:
            if here & _of_row(row) and (why := _stricter(profile, row, key, whose)):
                said = f"{row.name}, which was removed, brought" if row.state == REMOVED else f"{row.name} brings"
                raise self._alarms.refused(actor, act, name, f"{name}: {said} reads of the same source, and {why}")

    def demand_kind(self, actor: Actor, name: str, before: Provenance, after: Provenance) -> None:
        """Return if reads of the kind that is asked for live no longer than those of the connector's own kind.

        Else raises `PolicyRefused`, with an alarm: that takes two people, from the first day too.
        """
        if looser := loosened_kind(self._governing.profile(), before, after):
            raise self._alarms.refused(
                actor, Act.CONNECTIONS_ADD, name,
                f"{name}: its connector's kind is {before.origin}, and {after.origin} loosens what is promised:"
                f" {looser[0]}. Add it without --kind, and propose the other one: alprhub connections change {name}"
                f" --kind {after.origin} --reason WHY --decisions FILE",
            )  # fmt: skip


def remembered(settings: str) -> str:
    """What stays of the settings (JSON) of a connection that is removed: where it was, in digests alone."""
    digests = sorted(sources_of(msgspec.json.decode(settings)))
    return msgspec.json.encode({_SOURCE: digests} if digests else {}).decode()


def sources_of(settings: Mapping[str, Any]) -> frozenset[str]:
    """Digests of where settings point, whatever key or user is sent along; none where a source only pushes."""
    return frozenset(sha256(address.encode()).hexdigest() for address in _addresses(settings))


def _addresses(settings: Mapping[str, Any]) -> Iterator[str]:
    channel = settings.get("channel")
    for field in ("base_url", "url", "parkpow_url"):
        if address := settings.get(field):
            yield _place(str(address)) + ("" if channel is None else f"#{channel}")
    for field in ("place", "folder"):
        if place := settings.get(field):
            below = settings.get("reads_folder")
            yield _place(f"{place}/{below}" if below and urlsplit(str(place)).scheme not in _WEB else str(place))
    if host := settings.get("host"):
        # One broker may carry what several sources say, each under its topic.
        for topic in settings.get("topics") or ("",):
            yield f"{str(host).casefold()}/{topic}"


def _place(address: str) -> str:
    """A place as it is compared: a folder as the disk has it, an address without its user and its last stroke."""
    parts = urlsplit(address)
    if not parts.netloc:
        return realpath(address)
    scheme = "web" if parts.scheme in _WEB else parts.scheme
    host = parts.netloc.rpartition("@")[2].casefold().removesuffix(":443" if parts.scheme == "https" else ":80")
    path = "/".join(part for part in parts.path.split("/") if part not in ("", "."))
    return f"{scheme}://{host}/{path}" + (f"?{parts.query}" if parts.query else "")


def _of_row(row: Row[Any]) -> set[str]:
    settings = msgspec.json.decode(row.settings)
    return set(settings.get(_SOURCE, ())) if row.state == REMOVED else set(sources_of(settings))


def _stricter(profile: Profile, row: Row[Any], key: str, whose: Provenance) -> str | None:
    """Why the reads of a row live by stricter rules, and the way to have them so; None where they do not."""
    agreed = contract_of(row.contract, whose.origin, whose.vendor)
    if agreed is not None and (whose.contract is None or _less(profile, agreed, whose.contract, whose)):
        way = f"Add a connection with the same contract: alprhub connections add NAME {key} --contract FILE"
        return f"has a contract: {in_words(agreed)}. {way}; or have " + (
            "it ended by two people afterwards: alprhub connections contract NAME --end --reason WHY"
            if row.state == REMOVED
            else f"that of {row.name} ended by two people: alprhub connections contract {row.name} --end --reason WHY"
        )
    looser = loosened_kind(profile, whose._replace(origin=row.kind), whose) if row.connector == key else ()
    if row.kind == whose.origin or not looser:
        return None
    way = f"Add a connection of the same kind: alprhub connections add NAME {key} --kind {row.kind}"
    if row.state != REMOVED:
        way += (
            f"; or have that of {row.name} changed by two people first: alprhub connections change {row.name} --kind"
            f" {whose.origin} --reason WHY --decisions FILE"
        )
    return f"is of the kind {row.kind}, not {whose.origin}: {looser[0]}. {way}"


def _less(profile: Profile, agreed: SourceContract, given: SourceContract, whose: Provenance) -> bool:
    """Whether a contract promises less than one that was agreed with the same source."""
    forbidden = set(agreed.sharing.forbids if agreed.sharing else ())
    if forbidden - set(given.sharing.forbids if given.sharing else ()):
        return True
    if agreed.ownership is not None and (given.ownership is None or given.ownership.owner != agreed.ownership.owner):
        return True
    return bool(loosened_kind(profile, whose._replace(contract=agreed), whose))
