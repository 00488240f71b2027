"""`alprhub retention certificates`: the proof of every purge, for the agency and for its custodian of records."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from alprhub.acting import acting
from alprhub.cli import files
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.plain import print_json
from hub.errors import AdminMustAct
from hub.proofs.delivery import Delivery
from hub.search.query import MOST_ROWS
from hub.wiring import Hub, open_hub
from hub.words import count, moment

COLUMNS = {
    "id": "number",
    "connection": "source",
    "rule": "rule",
    "clause": "clause",
    "reads": "reads",
    "pictures": "pictures",
    "hits": "hits",
    "quarantined": "records set aside",
    "closed_at": "closed",
    "file": "gone from the file",
    "custodian": "confirmed by",
    "digest": "digest",
}
WAITING = {
    "id": "number",
    "connection": "source",
    "rule": "rule",
    "clause": "clause",
    "reads": "reads",
    "closed_at": "closed",
    "waiting": "waits for",
    "overdue": "overdue",
}
DELIVERIES = {
    "numbers": "certificates",
    "way": "by",
    "custodian": "to the",
    "delivered_at": "arrived",
    "place": "place",
    "what": "what is known",
    "tries": "tries",
    "sha256": "digest",
}
_FILE = {"vacuum": "the night after", "encrypted": "no: its disk is encrypted", "server": "as its server does"}
OVERDUE = 78
_SHORT = 12


def certificates(
    verify: Annotated[bool, typer.Option("--verify", help="Check the whole chain.")] = False,
    waiting: Annotated[
        bool, typer.Option("--open", help="Those that nobody has countersigned; exit 78 where one is overdue.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option(help="Write closed ones for the custodian, as JSON that verifies by itself.")
    ] = None,
    since_id: Annotated[int, typer.Option(min=0, help="With --export: only those above this number.")] = 0,
    countersign: Annotated[
        int | None,
        typer.Option(help="Confirm the certificate of this number, as the custodian of records who acts."),
    ] = None,
    note: Annotated[str, typer.Option(help="With --countersign: your title, or what to note with it.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="The most to list.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List certificates of destruction, newest first; check their chain, hand them over, note the confirmation."""
    with failures(), open_hub() as hub:
        if countersign is not None:
            done = hub.retention.certificates.countersign(acting(), countersign, note)
            _print([done], as_json, hub.governing.profile.zone)
        elif export is not None:
            _export(hub, export, since_id, as_json)
        elif waiting:
            entries = hub.proofs.handover.waiting()
            if as_json:
                print_json(entries)
            else:
                rows = [{**asdict(entry), "waiting": count(entry.days, "day")} for entry in entries]
                print_rows(rows, WAITING, False, "every certificate is countersigned", hub.governing.profile.zone)
            if any(entry.overdue for entry in entries):
                raise typer.Exit(OVERDUE)
        elif verify:
            verified = hub.retention.certificates.verify()
            if as_json:
                print_json({"verified": verified})
            else:
                console.print(f"{count(verified, 'certificate')}, each as it was closed and behind the one before it")
        else:
            _print(hub.retention.certificates.list(limit), as_json, hub.governing.profile.zone)


def deliver(as_json: AsJson = False) -> None:
    """Bring every certificate that is not proved to have arrived to the custodian now; exit 78 where that fails.

    Every purge does so by itself. Where to is set by ALPRHUB_CUSTODIAN_FOLDER, _BUCKET and _EMAIL.
    """
    with failures(), open_hub() as hub:
        if not hub.settings.custodian_ways:
            raise AdminMustAct(
                "no place of the custodian's is set: set ALPRHUB_CUSTODIAN_FOLDER, ALPRHUB_CUSTODIAN_BUCKET or"
                " ALPRHUB_CUSTODIAN_EMAIL, then repeat this"
            )
        tried = hub.proofs.deliveries.run(acting())
        some = hub.proofs.deliveries.certified()
        nothing = "every certificate has reached its custodian" if some else "no certificate to deliver yet"
        _print_deliveries(hub, tried, as_json, nothing)
        ways = {letter.way for letter in tried}
        faults = hub.proofs.deliveries.faults()
        if untried := [fault for way, fault in faults.items() if way not in ways]:
            raise AdminMustAct(f"the next one would not arrive: {'; '.join(untried)}. Mend that, then repeat this")
    if any(letter.delivered_at is None for letter in tried):
        raise typer.Exit(OVERDUE)


def deliveries(
    limit: Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="The most to list.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List what was sent to the custodian of records, newest first: when, where to, and what proves that it arrived."""
    with failures(), open_hub() as hub:
        _print_deliveries(hub, hub.proofs.deliveries.list(limit), as_json, "nothing was sent to the custodian yet")


def _print_deliveries(hub: Hub, letters: Sequence[Delivery], as_json: bool, nothing: str) -> None:
    if as_json:
        print_json(letters)
        return
    rows = [
        {
            **asdict(letter),
            "numbers": f"{letter.first_id} to {letter.last_id}",
            "what": letter.proof or letter.error or "not tried yet",
            "sha256": letter.sha256[:_SHORT],
        }
        for letter in letters
    ]
    print_rows(rows, DELIVERIES, False, nothing, hub.governing.profile.zone)


def _print(certified: list[dict[str, Any]], as_json: bool, zone: ZoneInfo) -> None:
    """The certificates; of a digest people see the beginning, by which it is known again."""
    rows = certified
    if not as_json:
        rows = [
            {**entry, "digest": (entry["digest"] or "")[:_SHORT], "file": _file(entry, zone)} for entry in certified
        ]
    print_rows(rows, COLUMNS, as_json, "nothing was destroyed yet", zone)


def _file(certified: dict[str, Any], zone: ZoneInfo) -> str:
    """Since when the database file holds no byte of the destroyed reads, or why it still may."""
    if certified["rewritten_at"] is not None:
        return moment(certified["rewritten_at"], zone)
    return _FILE.get(certified["traces"], "")


def _export(hub: Hub, out: Path, since_id: int, as_json: bool) -> None:
    files.must_be_new(out)
    handed = hub.proofs.handover.document(acting(), since_id)
    files.put(out, handed.body)
    receipt = {
        "file": str(out),
        "certificates": handed.certificates,
        "last_id": handed.last_id,
        "sha256": handed.sha256,
    }
    if as_json:
        print_json(receipt)
    else:
        console.print(
            f"{out}: {count(handed.certificates, 'certificate')} up to number {handed.last_id}, sha256 {handed.sha256}"
        )
