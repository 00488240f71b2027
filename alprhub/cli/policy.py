"""`alprhub policy`: what the agency's policy says, clause by clause, and when a read must be gone."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from alprhub.cli import files
from alprhub.cli.output import AsJson, console, failures, print_json, print_rows
from hub.errors import Invalid, NotFound
from hub.policy.contract import Contract, read_contract
from hub.policy.decisions import Decision, read_decisions
from hub.policy.durations import Duration
from hub.policy.profile import Profile, load, names, of_file
from hub.policy.resolution import Bound
from hub.policy.rules import Rule
from hub.settings import HubSettings
from hub.wiring import open_hub
from normalize.fault import Unusable
from normalize.times import from_iso

app = typer.Typer(help="Show what policy says, check a profile, ask when a read must be gone.", no_args_is_help=True)

Named = Annotated[
    str | None, typer.Option("--profile", help="A built-in name or a file; without it, the one in force.")
]
SignedIn = Annotated[Path | None, typer.Option("--decisions", help="A YAML file of signed decisions.")]
EXPLAINED = "retention.report_if_older_than"


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the built-in profiles: whose they are, and whether one could be put in force as it stands."""
    with failures():
        in_force = _in_force().name
        rows = []
        for name in names():
            profile = load(name)
            state = profile.activation()
            rows.append(
                {
                    "profile": name,
                    "agency": profile.agency,
                    "policy": profile.document["number"],
                    "overlays": [one.id for one in profile.overlays],
                    "ready": "yes" if state.ready else "no",
                    "open": len(state.open),
                    "in_force": "yes" if name == in_force else "",
                }
            )
        print_rows(rows, tuple(rows[0]), as_json)


@app.command()
def show(profile: Named = None, decisions: SignedIn = None, as_json: AsJson = False) -> None:
    """Show every rule in force with its clauses: retention, fields after the overlays, and what nobody has decided."""
    with failures():
        found = _named(profile, decisions)
        told = _told(found)
        if as_json:
            print_json(told)
            return
        over = ", ".join(told["overlays"]) or "no overlay"
        console.print(f"{found.agency}, policy {told['policy']['number']}, {over}, {found.zone}")
        console.print("\nretention", style="bold")
        columns = ("rule", "layer", "origin", "vendor", "copy", "linked", "max", "min", "until", "force", "clause")
        print_rows(told["retention"], columns, False)
        console.print("\nfields in force", style="bold")
        said = [one for one in told["fields"] if one["value"] is not None or one["clauses"]]
        print_rows([{**one, "value": _words(one)} for one in said], ("field", "value", "force", "clauses"), False)
        console.print("\nsilent on", style="bold")
        console.print(", ".join(one["field"] for one in told["fields"] if one not in said))
        _print_state(told)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A policy profile, YAML.")],
    decisions: SignedIn = None,
    as_json: AsJson = False,
) -> None:
    """Hold a profile to the schema, name every field that is wrong, and say whether it could be put in force.

    Exit code 65 for a profile that is wrong, 77 for one with two rules that cannot both be kept.
    """
    with failures():
        found = of_file(file, _signed(decisions))
        told = _state(found)
        if as_json:
            print_json({"profile": found.id, "valid": True, **told})
        else:
            console.print(f"{found.id}: well formed; {len(found.rules)} retention rules")
            _print_state(told)
        if told["conflicts"]:
            found.activation().demand()


@app.command()
def boundary(
    source: Annotated[
        str, typer.Option(help="The vendor as policies name it (flock); one they do not name is unknown.")
    ],
    captured_at: Annotated[str, typer.Option(help="ISO 8601; without an offset, in the agency's zone.")],
    received_at: Annotated[str | None, typer.Option(help="ISO 8601; without it, the capture.")] = None,
    profile: Named = None,
    copy: Annotated[Literal["hub", "vendor"], typer.Option(help="Where the copy lies.")] = "hub",
    origin: Annotated[
        Literal["own", "commercial", "native_reader"] | None, typer.Option(help="Whose reads; without it, own.")
    ] = None,
    held: Annotated[bool, typer.Option(help="Ask from when on a copy that is held must be explained.")] = False,
    contract: Annotated[
        Path | None, typer.Option(help="A YAML or JSON file with the source's contract: vendor, origin, terms.")
    ] = None,
    decisions: SignedIn = None,
    as_json: AsJson = False,
) -> None:
    """Say when a copy of a read must be gone, or until when nobody may delete it, and by which clause."""
    with failures():
        found = _named(profile, decisions)
        captured = _instant(found, captured_at, "captured-at")
        received = captured if received_at is None else _instant(found, received_at, "received-at")
        if held:
            told = _explained(found, captured)
        else:
            term = _contract(contract, found, source, origin, copy)
            told = _boundary(found, term, captured, received)
        if as_json:
            print_json(told)
            return
        for name, bound in {"": told, **{key: value for key, value in told.items() if isinstance(value, dict)}}.items():
            lead = f"{name}: " if name else ""
            console.print(f"{lead}{bound['kind']} {_z(bound['boundary'])} {bound['rule']} ({bound['clause']})")
        if told.get("conflict"):
            console.print("conflict: the floor lies behind the ceiling; a person must decide", style="yellow")


def _named(name: str | None, decisions: Path | None) -> Profile:
    """The profile of a name with the decisions of a file, or the one in force with those that it was signed with."""
    if name is None and decisions is None:
        return _in_force()
    return load(name or _in_force().name, _signed(decisions))


def _in_force() -> Profile:
    """The profile in force; where there is no hub yet, the one that it would begin with."""
    settings = HubSettings()
    if settings.database_url is None and not (settings.data / "alprhub.sqlite3").exists():
        return load(settings.profile)
    with open_hub(settings) as hub:
        return hub.profile


def _boundary(profile: Profile, term: Contract, captured: datetime, received: datetime) -> dict[str, Any]:
    where = (term.origin, term.vendor)
    bounds = profile.bounds(*where, captured, received, copy=term.copy_at, contract=term)
    case = profile.chosen(*where, term.copy_at, term).case
    if bounds.floor is not None and bounds.end(linked=True) is None:
        told = _bound("min", bounds.floor)
    else:
        end = profile.expiry(
            *where, captured, received_at=received, copy=term.copy_at, linked=bounds.ceiling is not None, contract=term
        )
        told = {"kind": "max", "boundary": end.at, "rule": end.rule, "clause": end.clause}
    if bounds.unlinked is not None:
        told["unlinked"] = _bound("max", bounds.unlinked)
    if bounds.ceiling and bounds.floor:
        told["floor"] = _bound("min", bounds.floor)
        told["conflict"] = bounds.conflict
    if case is not None:
        told["case"] = {"kind": "until", "boundary": case.until, "rule": case.id, "clause": case.clause}
    return told


def _explained(profile: Profile, captured: datetime) -> dict[str, Any]:
    """From when on a copy that a hold keeps must be listed and explained."""
    field = profile.effective(EXPLAINED)
    if field.value is None:
        raise NotFound(f"{profile.id} does not ask for an explanation of what is held ({EXPLAINED})")
    at = Duration.parse(field.value).ceiling(captured, profile.zone)
    clause = "; ".join(reference.clause for reference in field.references)
    return {"kind": "max", "boundary": at, "rule": EXPLAINED, "clause": clause}


def _bound(kind: str, bound: Bound) -> dict[str, Any]:
    return {"kind": kind, "boundary": bound.at, "rule": bound.rule, "clause": bound.clause}


def _contract(file: Path | None, profile: Profile, source: str, origin: Any, copy: Any) -> Contract:
    if file is None:
        return Contract(agency=profile.id, connection=source, vendor=source, origin=origin or "own", copy_at=copy)
    term = read_contract(files.content(file), str(file))
    asked = {"vendor": source, "copy_at": copy, "origin": origin or term.origin}
    for field, value in asked.items():
        if getattr(term, field) != value:
            raise Invalid(f"{file}: {field}: is {getattr(term, field)}, and {value} was asked for")
    return term


def _told(profile: Profile) -> dict[str, Any]:
    fields = [profile.effective(name) for name in profile.fields()]
    return {
        "profile": profile.id,
        "agency": profile.agency,
        "zone": str(profile.zone),
        "policy": profile.document,
        "overlays": [one.id for one in profile.overlays],
        "purposes": profile.purposes,
        "retention": [_rule(rule) for rule in profile.rules],
        "fields": [
            {
                "field": one.field,
                "value": one.value,
                "within": one.within,
                "force": one.force,
                "clauses": [reference.clause for reference in one.references],
                "references": [reference._asdict() for reference in one.references],
                "stated": one.stated,
                "note": one.note,
            }
            for one in fields
        ],
        **_state(profile),
    }


def _words(field: dict[str, Any]) -> Any:
    """A field's value for people: who must be in several sets at once is told so."""
    return ", and ".join(" or ".join(codes) for codes in field["within"]) or field["value"]


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "layer": rule.layer,
        "origin": rule.origin or "any",
        "vendor": rule.vendor or "any",
        "copy": rule.copy or "any",
        "linked": {None: None, True: "case", False: "not linked"}[rule.linked],
        "max": f"{rule.max.text} from {rule.max.clock}" if rule.max else None,
        "min": f"{rule.min.text} from {rule.min.clock}" if rule.min else None,
        "until": rule.until,
        "on_expiry": rule.action,
        "force": rule.force,
        "clause": rule.clause,
        "note": rule.note,
    }


def _state(profile: Profile) -> dict[str, Any]:
    state = profile.activation()
    return {
        "ready": state.ready,
        "conflicts": [{**one._asdict(), "told": str(one)} for one in state.conflicts],
        "without_ceiling": state.without_ceiling,
        "decisions_needed": [one._asdict() for one in state.open],
    }


def _print_state(told: dict[str, Any]) -> None:
    console.print("\ndecisions that nobody has signed, and what holds meanwhile", style="bold")
    print_rows(told["decisions_needed"], ("id", "question", "safe_default"), False, "none")
    console.print("\ncan be put in force: " + ("yes" if told["ready"] else "no"))
    for kind in told["without_ceiling"]:
        console.print(f"no ceiling for {kind}: a signed decision must give a number", style="yellow")
    for conflict in told["conflicts"]:
        console.print(conflict["told"], style="yellow")


def _signed(file: Path | None) -> tuple[Decision, ...]:
    return () if file is None else read_decisions(files.content(file), str(file))


def _instant(profile: Profile, text: str, field: str) -> datetime:
    try:
        return from_iso(text, profile.zone, field).at
    except Unusable as wrong:
        raise Invalid(str(wrong)) from None


def _z(value: Any) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
