"""Where the plate of an entry is from, by what a file says of its state and its country."""

from typing import Final, NamedTuple

from hub.errors import Invalid
from normalize.origin import origin
from normalize.states import NAMES, Codes, meanings, state
from normalize.word import Known

_TABLES: Final = {Codes.POSTAL: "the post's codes", Codes.NCIC: "NCIC's codes"}
_LANDS: Final = frozenset(code[:2] for code in NAMES)


class EntryOrigin(NamedTuple):
    """A state (ISO 3166-2), or else a country (ISO 3166-1 alpha-2), or neither: a state tells its country."""

    state: str | None
    country: str | None


def origin_of(region: str, nation: str, codes: Codes | None) -> EntryOrigin:
    """The origin of a plate by a file's words for its state and its country, and by the codes that the file has.

    Raises `Invalid` for a word that says nothing known here, and for a code that the post's table and NCIC's give to
    two states where nobody said whose it is: the wrong one would keep a stolen car from its own state.
    """
    if region and codes is None and (both := meanings(region, nation or None)):
        by = " and ".join(f"{NAMES[code]} by {_TABLES[table]}" for code, table in zip(both, Codes, strict=True))
        raise Invalid(f"state: {region!r} is {by}: say whose the file has (--codes postal, or --codes ncic)")
    where = origin(region or None, nation or None, codes)
    if where.country.known is Known.UNMAPPED:
        raise Invalid(f"country: {nation[:40]!r} is no country that is known here; write it as MX, MEX or Mexico")
    if where.state.code:
        return EntryOrigin(where.state.code, None)
    if where.state.known is Known.UNMAPPED and (where.country.code is None or where.country.code in _LANDS):
        raise Invalid(_no_state(region[:40], nation, codes))
    return EntryOrigin(None, where.country.code)


def _no_state(region: str, nation: str, codes: Codes | None) -> str:
    """That a word is no state, and what would be."""
    of = f" of {nation[:40]}" if nation else ""
    for table in (table for table in Codes if table is not codes):
        if code := state(region, nation or None, table).code:
            by = f" by {_TABLES[codes]}" if codes else ""
            return f"state: {region!r} is no state{of}{by}; by {_TABLES[table]} (--codes {table}) it is {NAMES[code]}"
    return f"state: {region!r} is no state{of} that is known here; write it as CA or California"
