"""`alprhub policy preview | activate`: what another policy would do to what is kept, and proposing it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from alprhub.acting import acting
from alprhub.cli import files
from alprhub.cli.output import AsJson, console, failures, print_rows
from alprhub.cli.policy import SignedIn
from alprhub.cli.progress import Work, working
from alprhub.cli.second import next_step
from alprhub.plain import print_json
from hub.governing.activate import Change
from hub.policy.decisions import Decision, read_decisions
from hub.policy.profile import Profile
from hub.wiring import open_hub
from hub.words import count

_CHANGES = {
    "connection": "source",
    "rule": "rule",
    "reads": "reads",
    "shorter": "end sooner",
    "longer": "end later",
    "kept_short": "could end later, not signed",
    "end_now": "over at once",
}
KEPT_SHORT = "could live longer and do not: that takes a signed decision (settles: lengthening)"
Named = Annotated[str, typer.Argument(help="A built-in profile or a file.")]


def preview(profile: Named, decisions: SignedIn = None, as_json: AsJson = False) -> None:
    """Show what a profile would do to the reads that are kept, by connection and rule; changes nothing."""
    with failures(), open_hub() as hub:
        signed = _signed(decisions)
        changes = hub.governing.activate.preview(profile, signed)
        looser = hub.governing.activate.loosens(profile, signed)
        if as_json:
            print_json([change._asdict() for change in changes])
            return
        show_changes(changes)
        show_loosened(looser, hub.governing.profile)


def activate(
    profile: Named,
    reason: Annotated[str, typer.Option(help="Why the policy changes; the audit keeps it.")],
    decisions: SignedIn = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Propose it without showing what it would do, and asking.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Propose another profile; once somebody else approves, it is in force and gives every read its new end."""
    with failures(), open_hub() as hub:
        signed = _signed(decisions)
        hub.governing.activate.demand(acting(), profile, signed)
        if not yes:
            show_changes(hub.governing.activate.preview(profile, signed))
            show_loosened(hub.governing.activate.loosens(profile, signed), hub.governing.profile)
            typer.confirm("Propose it to a second person?", abort=True, err=True)
        document = None if decisions is None else files.content(decisions)
        proposal = hub.governing.activate.activate(acting(), profile, reason, signed, document)
        if as_json:
            print_json(proposal)
        else:
            console.print(f"{profile} is proposed and not in force yet")
            console.print(next_step(proposal, hub))


def took_effect(profile: str, counts: Mapping[str, int]) -> None:
    """Say what a policy that is in force now has done to the reads that are kept."""
    console.print(f"{profile} is in force: {_moved(counts)}; the next purge removes what is over")
    if counts["kept_short"]:
        console.print(f"{count(counts['kept_short'], 'read')} {KEPT_SHORT}")


def _moved(counts: Mapping[str, int]) -> str:
    """Whose ends moved, and apart from them the reads whose end is what it was, though another rule gives it now."""
    if not counts["changed"]:
        return "no read has another end"
    sooner, later = counts["shortened"], counts["lengthened"]
    words = f"{count(sooner, 'read')} {'ends' if sooner == 1 else 'end'} sooner, {later:,} later"
    same = counts["changed"] - sooner - later
    end = "ends when it did" if same == 1 else "end when they did"
    return f"{words}; {count(same, 'read')} {end}, only by a rule of another name now" if same else words


def recompute(as_json: AsJson = False) -> None:
    """Go on with giving reads the ends of the policy in force, where that was cut short; else change nothing."""
    with failures(), open_hub() as hub:
        with working(_kept, as_json) as work:
            counts = hub.retention.recompute.run(acting(), work.told)
        if as_json:
            print_json(counts)
        else:
            console.print(_moved(counts))


def _kept(_: Work) -> str:
    return "the policy is in force, and the ends that reads were given so far stay; alprhub policy recompute goes on"


def show_changes(changes: list[Change], out: Console = console) -> None:
    """What a policy would do, by connection and rule, for people."""
    nothing = "no reads are kept yet: nothing would change"
    print_rows([change._asdict() for change in changes], _CHANGES, False, nothing, out=out)
    for change in changes:
        if change.kept_short:
            out.print(f"{count(change.kept_short, 'read')} of {change.connection} ({change.rule}) {KEPT_SHORT}")
        if change.end_now:
            out.print(f"would remove {count(change.end_now, 'read')} of {change.connection} at once ({change.rule})")


def show_loosened(looser: Sequence[str], in_force: Profile) -> None:
    """What another policy loosens of the one in force, and what that takes, for people."""
    if looser:
        console.print(
            f"it loosens what {in_force.name} promises, which takes a decision of the {in_force.office} (settles:"
            f" loosening), a second person, and {in_force.grace.words()} in which it can be stopped:"
        )
    for sentence in looser:
        console.print(f"  {sentence}")


def _signed(file: Path | None) -> tuple[Decision, ...]:
    return () if file is None else read_decisions(files.content(file), str(file))
