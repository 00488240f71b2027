"""A policy profile as the beginning of an agency's own: its text, with another agency's name and clock."""

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from hub.errors import Invalid
from hub.policy.document import FOLDER
from hub.policy.profile import load, of_bytes


def own_text(name: str, agency: str | None, zone: ZoneInfo | None) -> str:
    """The YAML of a profile for `agency` and `zone`, where they are given; raises as `load` does, and `Invalid`.

    Every rule and clause in it is still that of the profile it was copied from.
    """
    source = load(name)
    file = Path(name) if "/" in name or name.endswith((".yaml", ".yml")) else None
    text = (FOLDER.joinpath(f"{name}.yaml") if file is None else file).read_text("utf-8")
    for field, value in (("name", agency), ("timezone", None if zone is None else zone.key)):
        if value is not None:
            text = _with(text, field, value)
    if agency is not None:
        ident = re.sub(r"[^a-z0-9]+", "-", agency.casefold()).strip("-") or "own"
        text = re.sub(r"(?m)^profile_id:.*$", f"profile_id: {ident}", text, count=1)
    heading = (
        f"# Copied from {source.name} ({source.agency}, policy {source.document['number']}).\n"
        "# Every rule and clause is still theirs: hold each against your own policy, then alprhub policy check.\n"
    )
    of_bytes((heading + text).encode(), name, (), file.parent if file else None)
    return heading + text


def _with(text: str, field: str, value: str) -> str:
    quoted = msgspec.json.encode(value).decode()
    changed, times = re.subn(
        rf"(?m)(^agency:\n(?:[ ]+.*\n)*?[ ]+{field}:).*$", lambda match: f"{match[1]} {quoted}", text, count=1
    )
    if not times:
        raise Invalid(f"agency.{field}: is not on a line of its own in this profile; copy the file and change it there")
    return changed
