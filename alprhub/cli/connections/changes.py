"""Changing an account: its settings, its secrets, and the key that seals all secrets."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from alprhub.acting import acting
from alprhub.cli import files, moments
from alprhub.cli.connections.given import Agency, Given, Name, SecretsFile, SettingsFile, read_settings
from alprhub.cli.connections.needs import asked
from alprhub.cli.output import AsJson, console, failures
from alprhub.cli.policy import SignedIn
from alprhub.cli.progress import Work, working
from alprhub.cli.second import next_step
from alprhub.cli.terminal import there
from alprhub.plain import print_json
from hub import words
from hub.connections.changes import Preview
from hub.errors import Conflict, Invalid
from hub.ingest.reparse import LOOKED_AT, Reparsed
from hub.policy.decisions import read_decisions
from hub.wiring import Hub, open_hub
from hub.words import count, span


def change(
    name: Name,
    given: Given = None,
    settings: SettingsFile = None,
    unset: Annotated[list[str] | None, typer.Option(help="A setting that goes back to its default.")] = None,
    kind: Annotated[str | None, typer.Option(help="Whose cameras: own, commercial or native_reader.")] = None,
    agency: Agency = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only show what it would do.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Reads may expire at once.")] = False,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Whether to try the account first.")] = True,
    decisions: SignedIn = None,
    reason: Annotated[str, typer.Option(help="Why, where --decisions proposes it to a second person.")] = "",
    as_json: AsJson = False,
) -> None:
    """Change settings, once a try has found that the new ones work; says what becomes of the reads that are kept.

    Another --kind whose reads may live longer, or must be kept less long, is proposed, with --decisions.
    """
    with failures(), open_hub() as hub:
        values = read_settings(given, settings)
        if not (values or unset or kind or agency):
            raise Invalid("--set, --unset, --kind or --agency: say what to change")
        if decisions is not None:
            if kind is None or values or unset or agency:
                raise Invalid("--decisions: goes with --kind alone, which it proposes")
            _propose(hub, name, kind, reason, decisions, as_json)
            return
        options: dict[str, Any] = {"unset": tuple(unset or ()), "kind": kind, "agency": agency}
        plan = hub.connections.changes.preview(name, values, **options)
        if preview:
            print_json(asdict(plan)) if as_json else console.print(_in_words(plan))
            return
        if plan.end_now and not yes and there():
            console.print(_in_words(plan))
            yes = typer.confirm("Let them expire now?")
        done = hub.connections.changes.change(acting(), name, values, **options, expire=yes, check=check)
        if as_json:
            print_json(asdict(done))
            return
        console.print(_in_words(plan))
        console.print(f"{name}: {done.check}")
        if values or unset:
            _offer_reparse(hub, name)


def rotate(
    name: Name,
    settings: SettingsFile = None,
    secrets_file: SecretsFile = None,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Whether to try the new ones first.")] = True,
    as_json: AsJson = False,
) -> None:
    """Put a new key or password in the place of the old one, once a try has found that it works.

    The hub keeps the old ones no longer; that the vendor does not take them any more is the vendor's to do.
    """
    with failures(), open_hub() as hub:
        secrets = read_settings(None, settings, secrets_file)
        if settings is secrets_file is None and there():
            secrets = _asked_secrets(hub, name)
        answer = hub.connections.changes.rotate(acting(), name, secrets, check=check)
        receipt = {"connection": name, "rotated": sorted(secrets), "check": answer}
        print_json(receipt) if as_json else console.print(
            f"{name}: {answer.rstrip('.')}. The hub keeps the old secrets no longer; at the vendor they work until"
            " somebody revokes them there."
        )
        if not as_json and hub.connections.accounts.open(name)[0].state == "paused":
            console.print(f"It is still paused: alprhub connections resume {name}")


def reparse(
    name: Name,
    preview: Annotated[bool, typer.Option("--preview", help="Only count what it would change.")] = False,
    since: Annotated[str | None, typer.Option(help="Only reads captured since then, by their times of now.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Reads may expire at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read what a vendor sent once more, with the settings of now: after a time zone or a column was set right.

    Nothing is asked of the vendor. Reads keep their numbers, pictures and holds; their times, plates, hot-list hits and
    ends follow. It may be stopped and started again at any time.
    """
    with failures(), open_hub() as hub:
        at, _ = moments.window(hub, since, None)
        if preview:
            _tell_reparsed(_counted(hub, name, at, as_json), "would change", as_json)
        else:
            _reparse(hub, name, at, yes, as_json)


def reseal(as_json: AsJson = False) -> None:
    """Encrypt every kept secret anew under another key: a new one, or the ALPRHUB_SECRET_KEY that is set now."""
    with failures(), open_hub() as hub:
        count, key = hub.connections.sealing.reseal(acting())
        sentence = (
            f"the secrets of {words.count(count, 'connection')} are sealed under the key {key}; the one before opens"
            " nothing that the hub holds now, but still what backups from before hold"
        )
        print_json({"connections": count, "key": key}) if as_json else console.print(sentence)


def _propose(hub: Hub, name: str, kind: str, reason: str, decisions: Path, as_json: bool) -> None:
    document = files.content(decisions)
    signed = read_decisions(document, str(decisions))
    proposal = hub.connections.kinds.propose(acting(), name, kind, reason, signed, document)
    if as_json:
        print_json(proposal)
    else:
        console.print(f"{name} stays a source of its kind until this is approved and its time is there")
        console.print(next_step(proposal, hub))


def _asked_secrets(hub: Hub, name: str) -> dict[str, Any]:
    held = hub.connections.changes.secrets_of(name)
    account = next(account for account in hub.connections.accounts.list() if account.name == name)
    fields = hub.connections.accounts.kind(account.connector).Settings.model_fields
    answers = {
        secret: asked(secret, fields[secret], optional=True) for secret, is_set in held.items()
        if is_set or fields[secret].is_required()
    }  # fmt: skip
    return {secret: answer for secret, answer in answers.items() if answer}


def _offer_reparse(hub: Hub, name: str) -> None:
    """Tell how the new settings would change the kept reads; parse their payloads again if a person agrees."""
    sample = hub.ingest.reparse.preview(acting(), name, sample=True)
    if not sample.changed:
        return
    console.print(
        f"The reads that are kept were read with the settings of before: {sample.changed} of the first"
        f" {count(sample.looked_at, 'read')} say something else now. What they came from is kept, so they can be read"
        f" again: alprhub connections reparse {name} --preview counts what changes, and without --preview changes it."
    )
    if there() and typer.confirm("Read them again now?"):
        _reparse(hub, name, None, False, False)


def _reparse(hub: Hub, name: str, since: datetime | None, yes: bool, as_json: bool) -> None:
    """Read kept payloads again; reads that would expire at once only where a person lets them."""
    plan = _counted(hub, name, since, as_json)
    if not plan.changed:
        _tell_reparsed(plan, "would change", as_json)
        return
    if plan.end_now and not yes:
        if not there():
            raise Conflict(
                f"{count(plan.end_now, 'read')} of {name} would expire at once under their corrected times: repeat with"
                " --yes if that is meant"
            )
        _tell_reparsed(plan, "would change", False)
        typer.confirm("Let them expire now?", abort=True)

    def kept(work: Work) -> str:
        done = f"{work.done.get(LOOKED_AT, 0):,} of {count(plan.looked_at, 'read')} of {name} say what they shall"
        return f"{done}; {_again(name, since)} does the others"

    with working(kept, as_json) as work:
        done = hub.ingest.reparse.run(
            acting(), name, since, progress=lambda what, done, _: work.told(what, done, plan.looked_at)
        )
    _tell_reparsed(done, "changed", as_json)


def _counted(hub: Hub, name: str, since: datetime | None, as_json: bool) -> Reparsed:
    """What reading kept payloads again would change."""

    def kept(work: Work) -> str:
        looked_at = count(work.done.get(LOOKED_AT, 0), "read")
        return f"{looked_at} of {name} looked at, nothing changed; {_again(name, since)} begins anew"

    with working(kept, as_json) as work:
        return hub.ingest.reparse.preview(acting(), name, since, progress=work.told)


def _again(name: str, since: datetime | None) -> str:
    """The command that reads payloads again."""
    return f"alprhub connections reparse {name}" + (f" --since {since.isoformat()}" if since else "")


def _tell_reparsed(report: Reparsed, changes: str, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    console.print(f"{report.connection}: {changes} {report.changed:,} of {count(report.looked_at, 'read')}.")
    for seconds, reads in sorted(report.moved.items()):
        console.print(f"  times moved {'forward' if seconds > 0 else 'back'} by {span(seconds)}: {reads:,}")
    numbers = (
        ("plates", report.plates), ("states of plates", report.states),
        ("countries of plates", report.countries), ("cameras", report.cameras),
        ("places", report.places), ("something else", report.others), ("lives that end sooner", report.sooner),
        ("lives that end when they did, since nobody lengthens one alone", report.kept),
        ("over at once by their corrected time", report.end_now), ("new hits on hot lists", report.hits_found),
        ("hits that are none any more", report.hits_gone),
        ("kept already under the corrected time, so left as they are", report.doubles),
    )  # fmt: skip
    for what, number in numbers:
        if number or what == "plates":
            console.print(f"  {what}: {number:,}")
    for reason, number in report.refused.most_common():
        console.print(f"  now refused, so left as they are ({reason}): {number:,}", style="yellow")


def _in_words(plan: Preview) -> str:
    fields = ", ".join(plan.fields) or "nothing"
    if plan.reads is None:
        return f"Changes {fields}. Retention stays as it is: {plan.rule_after} ({plan.clause})."
    return (
        f"Changes {fields}. Retention: {plan.rule_before} becomes {plan.rule_after} ({plan.clause});"
        f" {plan.end_now} of {plan.reads} reads would expire at once."
    )
