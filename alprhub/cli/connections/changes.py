"""Changing an account: its settings, its secrets, and the key that seals all secrets."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from alprhub.cli.connections.given import Agency, Given, Name, SettingsFile, asked, read_settings, there
from alprhub.cli.output import AsJson, console, failures, print_json
from hub import words
from hub.audit.record import Actor
from hub.connections.changes import Preview
from hub.errors import Invalid
from hub.wiring import Hub, open_hub


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
    as_json: AsJson = False,
) -> None:
    """Change settings after a live check with the new ones; says first what becomes of the reads that are kept."""
    with failures(), open_hub() as hub:
        values = read_settings(given, settings)
        if not (values or unset or kind or agency):
            raise Invalid("--set, --unset, --kind or --agency: say what to change")
        told: dict[str, Any] = {"unset": tuple(unset or ()), "kind": kind, "agency": agency}
        plan = hub.changes.preview(name, values, **told)
        if preview:
            print_json(asdict(plan)) if as_json else console.print(_said(plan))
            return
        if plan.end_now and not yes and there():
            console.print(_said(plan))
            yes = typer.confirm("Let them expire now?")
        done = hub.changes.change(Actor.of_process(), name, values, **told, expire=yes, check=check)
        if as_json:
            print_json(asdict(done))
            return
        console.print(_said(plan))
        console.print(f"{name}: {done.check}")


def rotate(
    name: Name,
    settings: SettingsFile = None,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Whether to try the new ones first.")] = True,
    as_json: AsJson = False,
) -> None:
    """Put new secrets in the place of the old ones, once a live check has found that they work.

    The hub keeps the old ones no longer; that the vendor does not take them any more is the vendor's to do.
    """
    with failures(), open_hub() as hub:
        secrets = read_settings(None, settings)
        if settings is None and there():
            secrets = _asked_secrets(hub, name)
        said = hub.changes.rotate(Actor.of_process(), name, secrets, check=check)
        told = {"connection": name, "rotated": sorted(secrets), "check": said}
        print_json(told) if as_json else console.print(
            f"{name}: {said.rstrip('.')}. The hub keeps the old secrets no longer; at the vendor they work until"
            " somebody revokes them there."
        )
        if not as_json and hub.connections.open(name)[0].state == "paused":
            console.print(f"It is still paused: alprhub connections resume {name}")


def reseal(as_json: AsJson = False) -> None:
    """Seal every secret anew, under a new key: one that the hub makes, or the ALPRHUB_SECRET_KEY that is set now."""
    with failures(), open_hub() as hub:
        count, key = hub.sealing.reseal(Actor.of_process())
        told = (
            f"the secrets of {words.count(count, 'connection')} are sealed under the key {key}; the one before opens"
            " nothing that the hub holds now, but still what backups from before hold"
        )
        print_json({"connections": count, "key": key}) if as_json else console.print(told)


def _asked_secrets(hub: Hub, name: str) -> dict[str, Any]:
    fields = hub.connections.kind(hub.connections.open(name)[0].connector).Settings.model_fields
    answers = {
        secret: asked(secret, fields[secret], optional=True) for secret, is_set in hub.changes.secrets_of(name).items()
        if is_set or fields[secret].is_required()
    }  # fmt: skip
    return {secret: answer for secret, answer in answers.items() if answer}


def _said(plan: Preview) -> str:
    fields = ", ".join(plan.fields) or "nothing"
    if plan.reads is None:
        return f"Changes {fields}. Retention stays as it is: {plan.rule_after} ({plan.clause})."
    return (
        f"Changes {fields}. Retention: {plan.rule_before} becomes {plan.rule_after} ({plan.clause});"
        f" {plan.end_now} of {plan.reads} reads would expire at once."
    )
