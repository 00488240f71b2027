"""`alprhub reads show | picture`: one read in full, and what its camera saw."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from alprhub.acting import acting
from alprhub.cli import files
from alprhub.cli.asking import Case, Event, Purpose, Reason
from alprhub.cli.output import AsJson, console, failures
from alprhub.plain import print_json
from hub import words
from hub.errors import Invalid
from hub.people import Why
from hub.search.one import Listed, Whole
from hub.wiring import open_hub
from normalize import countries
from normalize.states import postal

app = typer.Typer(help="One read in full, and its picture.", no_args_is_help=True)


def _number(value: str | int) -> int:
    """The number of a read; raises `BadParameter` for another text."""
    try:
        return int(value)
    except ValueError:
        raise typer.BadParameter(
            f"{value!r} is not the number of a read: the first column of `alprhub search … --ids` has it"
        ) from None


Ident = Annotated[
    int, typer.Argument(metavar="ID", help="The read's number, as `alprhub search --ids` shows it.", parser=_number)
]
_ZONES: Final = {
    "in_data": "the source wrote it with its zone",
    "configured": "the source wrote local time; its zone is a setting of the connection",
    "guessed": "the source did not say which zone: the hour may be wrong",
}
_OBTAINED: Final = {
    "pull": "fetched from it", "push": "sent by it", "lookup": "its answer to a look-up", "replay": "read again",
}  # fmt: skip
_SHOWS: Final = {"frame": "the whole picture", "vehicle": "the vehicle", "plate": "the plate"}
_PICTURES: Final = {"stored": "here", "wanted": "not fetched yet", "gone": "the source did not have it any more"}
_STATES: Final = {"same": "state agrees", "mismatch": "STATE MISMATCH", "unknown": "state not known"}
_PLATES: Final = {
    "exact": "same characters", "other_state": "same characters", "folded": "characters that look alike",
}  # fmt: skip
_VERDICTS: Final = {"unverified": "nobody has looked at it yet"}
_OWN: Final = 0o600
"""A picture is for whoever asked for it."""
_ENDINGS: Final = {"jpg": ("jpg", "jpeg"), "png": ("png",), "webp": ("webp",)}


@app.command()
def show(
    ident: Ident,
    purpose: Purpose = "",
    reason: Reason = "",
    case: Case = None,
    event: Event = None,
    as_json: AsJson = False,
) -> None:
    """Show one read in full; purpose and reason are asked and kept on record."""
    with failures(), open_hub() as hub:
        whole = hub.search.one.show(acting(), Why(purpose, reason, case, event), ident)
        if as_json:
            print_json(_flat(whole))
            return
        table = Table(box=None, show_header=False)
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for name, text in _lines(whole, hub.governing.profile.zone):
            table.add_row(name, text)
        console.print(table)


@app.command()
def picture(
    ident: Ident,
    out: Annotated[Path, typer.Option(help="The file to write; one that is there is never written over.")],
    which: Annotated[
        str | None, typer.Option(help="Where there are several: frame, vehicle, plate, or its place from 1.")
    ] = None,
    purpose: Purpose = "",
    reason: Reason = "",
    case: Case = None,
    event: Event = None,
    as_json: AsJson = False,
) -> None:
    """Write a read's picture to a file; purpose and reason are asked and kept on record."""
    with failures():
        files.must_be_new(out)
        with open_hub() as hub:
            picture = hub.search.one.picture(acting(), Why(purpose, reason, case, event), ident, which)
        endings = _ENDINGS.get(picture.ending, ())
        if out.suffix and endings and out.suffix[1:].lower() not in endings:
            right = out.with_suffix(f".{picture.ending}")
            raise Invalid(f"out: the picture of read {ident} is a .{picture.ending}; write it with --out {right}")
        files.put(out, picture.data, rights=_OWN)
        receipt = {"file": str(out), "shows": picture.shows, "bytes": len(picture.data), "sha256": picture.sha256}
        if as_json:
            print_json({"read": ident, **receipt})
        else:
            told_size = f"{len(picture.data):,} bytes, SHA-256 {picture.sha256}"
            console.print(f"{out}: {_SHOWS[picture.shows]} of read {ident}, {told_size}", soft_wrap=True)


def _flat(whole: Whole) -> dict[str, Any]:
    """The read's own fields, as a search has them, and what only one read in full tells."""
    more = {name: getattr(whole, name) for name in whole.__dataclass_fields__ if name != "read"}
    return {name: getattr(whole.read, name) for name in whole.read.__dataclass_fields__} | more


def _lines(whole: Whole, zone: ZoneInfo) -> list[tuple[str, str]]:
    """What a person reads, each with its name."""
    read = whole.read
    plate = read.plate if read.plate_raw == read.plate else f"{read.plate} (the source wrote {read.plate_raw})"
    raw_state = postal(read.plate_state) if read.plate_state else "the source read none"
    country = countries.NAMES.get(read.plate_country or "", "the source told none")
    others = ", ".join(f"{candidate.plate}{_sure(candidate.confidence)}" for candidate in whole.candidates)
    lines = [
        ("read", str(read.id)),
        ("plate", f"{plate}{_sure(read.plate_confidence)}"),
        *([("reading", read.grade.rule)] if read.grade else []),
        ("state", raw_state),
        ("country", country),
        ("may also be", others or "the reader named no other plate"),
        ("time", f"{_to_the_second(read.captured_at.astimezone(zone))} = {_to_the_second(read.captured_at)}"),
        ("how its time is known", _ZONES.get(read.zone, read.zone)),
        ("camera", read.camera),
        ("site", read.site or "none named"),
        ("place", _place(read.latitude, read.longitude)),
        ("vehicle", whole.vehicle.words() or "the source said nothing of it"),
        ("source", f"{read.connection} ({read.connector}), {_OBTAINED.get(read.obtained, read.obtained)}"),
        ("its number there", whole.vendor_read_id),
        ("arrived", f"{words.moment(read.received_at, zone)}, {words.span(read.lag_seconds)} after it was taken"),
        (
            "kept until",
            f"{words.moment(read.expires_at, zone)}: {whole.clause or 'no clause is known'}, rule {whole.ends_by}",
        ),
    ]
    if whole.held_for:
        lines.append(("not destroyed while", f"case {words.named(whole.held_for)} needs it"))
    lines += [("hit", _hit(hit)) for hit in whole.hits] or [("hit", "on no list of this hub")]
    lines += [
        (f"picture {place}", f"{_SHOWS.get(image.kind, image.kind)}: {_PICTURES.get(image.state, image.state)}")
        for place, image in enumerate(read.images, 1)
    ] or [("picture", "none came with it")]
    if whole.damaged:
        lines.append(("arrived damaged", f"{words.named(whole.damaged)}; plate, time and camera are whole"))
    if whole.engine:
        lines.append(("read by", whole.engine))
    return lines


def _hit(hit: Listed) -> str:
    agree = f"{_PLATES.get(hit.kind, hit.kind)}, {_STATES.get(hit.state_match, hit.state_match)}"
    verdict = _VERDICTS.get(hit.verdict, hit.verdict)
    return f"{hit.hotlist}: {hit.reason}, case {hit.case_number}; {agree}; {verdict}"


def _sure(confidence: float | None) -> str:
    return "" if confidence is None else f" ({confidence:.0%} sure)"


def _to_the_second(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S %Z}"


def _place(latitude: float | None, longitude: float | None) -> str:
    return "not known" if latitude is None or longitude is None else f"{latitude:.5f}, {longitude:.5f}"
