"""The contract of a connection: what was agreed about its reads, and another one for two people to decide."""

from pathlib import Path
from typing import Annotated, Any

import typer

from alprhub.acting import acting
from alprhub.cli import files
from alprhub.cli.connections.given import Name
from alprhub.cli.output import AsJson, console, failures
from alprhub.cli.policy import SignedIn
from alprhub.cli.second import next_step
from alprhub.plain import print_json
from hub.connections.agreed import in_words
from hub.connections.contracts import SetContract
from hub.errors import Invalid
from hub.policy.decisions import read_decisions
from hub.wiring import Hub, open_hub
from hub.words import count, moment


def contract(
    name: Name,
    file: Annotated[Path | None, typer.Argument(help="Another contract: a YAML file, as docs/policy.md says.")] = None,
    reason: Annotated[str, typer.Option(help="Why it changes; the audit keeps it.")] = "",
    end: Annotated[bool, typer.Option("--end", help="The connection has no contract any more.")] = False,
    decisions: SignedIn = None,
    as_json: AsJson = False,
) -> None:
    """Show what was agreed with a source, or propose another contract; it is in force once somebody else approves it.

    A contract never lets reads live longer than policy does. One that is stricter holds for what is kept too. What one
    loosens of the other is signed, with --decisions, and waits for the policy's grace.
    """
    with failures(), open_hub() as hub:
        if file is not None and end:
            raise Invalid("--end: excludes a file")
        if file is None and not end:
            _show(hub, name, as_json)
            return
        document = None if file is None else files.content(file)
        signed = () if decisions is None else read_decisions(files.content(decisions), str(decisions))
        proposal = hub.connections.contracts.propose(acting(), name, document, str(file or ""), reason, signed)
        if as_json:
            print_json(proposal)
            return
        reads, end_now = hub.connections.contracts.effect_of(proposal)
        console.print(f"proposed, and nothing changes yet: {proposal.words}")
        console.print(f"of {count(reads, 'read')} that are here {end_now:,} would be over at once")
        console.print(next_step(proposal, hub))


def _show(hub: Hub, name: str, as_json: bool) -> None:
    contracts = hub.connections.contracts.of(name)
    if as_json:
        print_json([_plainly(one) for one in contracts])
        return
    if not contracts:
        console.print(f"{name} has no contract: policy alone says how long its reads live")
    zone = hub.governing.profile.zone
    for place, one in enumerate(contracts):
        said = "no contract" if one.contract is None else _titled(one)
        until = "in force" if place == 0 else f"until {moment(contracts[place - 1].set_at, zone)}"
        console.print(f"{said}: {until}, set {moment(one.set_at, zone)}{_people(one)}")
        if one.contract is not None:
            console.print(f"  {in_words(one.contract)}")


def _people(one: SetContract) -> str:
    """Who set it and why; the reason is the proposer's."""
    if one.proposed_by is None:
        return f" by {one.set_by}: {one.reason}"
    return f", proposed by {one.proposed_by}: {one.reason} (approved by {one.set_by})"


def _titled(one: SetContract) -> str:
    number = one.contract.contract_id if one.contract else None
    return f"contract {number}" if number else "contract"


def _plainly(one: SetContract) -> dict[str, Any]:
    said = None if one.contract is None else one.contract.model_dump(mode="json", exclude_none=True)
    more = {field: getattr(one, field) for field in one.__dataclass_fields__ if field != "contract"}
    return {"contract": said, **more}
