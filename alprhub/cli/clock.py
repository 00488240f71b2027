"""`alprhub clock`: what time it is here, whether the hub trusts that, and saying that it is right."""

from typing import Annotated, Final

import typer

from alprhub.acting import acting
from alprhub.cli.output import AsJson, console, failures
from alprhub.cli.second import next_step
from alprhub.plain import print_json
from hub.trusted_clock import TrustedClock
from hub.wiring import Hub, open_hub
from hub.words import moment, span

app = typer.Typer(help="What time it is here, whether the hub trusts that, and saying that it is right.")

_MEANS: Final = {
    "right": "the clock is trusted",
    "ahead": (
        "the clock is in doubt: the hub has not been on for so long, or the clock is ahead. Nothing is purged or"
        " shortened until it is set right, or two people say that it is: alprhub clock trust --reason WHY"
    ),
    "behind": (
        "the clock is behind: the hub goes on from the newest time that it has seen, so that nothing that is over is"
        " shown again. Set it right, or have two people say that it is: alprhub clock trust --reason WHY"
    ),
}


@app.callback(invoke_without_command=True)
def clock(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what the machine's clock says, the newest time that the hub has trusted, and what follows; exit 78 where
    a person must act."""
    if context.invoked_subcommand is not None:
        return
    with failures(), open_hub() as hub:
        standing = _of(hub).standing()
        if as_json:
            fields = {"machine": standing.machine, "trusted": standing.trusted, "state": standing.state}
            print_json({**fields, "hub": hub.clock.now()})
        else:
            zone, far = hub.governing.profile.zone, span(standing.machine - standing.trusted)
            ago = f"{far} {'before that' if standing.machine >= standing.trusted else 'after that'}"
            console.print(f"this machine says       {moment(standing.machine, zone)}")
            console.print(f"the hub last trusted    {moment(standing.trusted, zone)}, {ago}")
            console.print(f"the hub goes by         {moment(hub.clock.now(), zone)}")
            console.print(_MEANS[standing.state])
    if standing.state != "right":
        raise typer.Exit(78)


@app.command()
def trust(
    reason: Annotated[str, typer.Option(help="How you know that the clock is right; the audit keeps it.")],
    as_json: AsJson = False,
) -> None:
    """Propose that the machine's clock is right; once somebody else approves, what waited is purged and shortened
    again, and the hub goes by it."""
    with failures(), open_hub() as hub:
        proposal = hub.governing.clock.propose(acting(), reason)
        if as_json:
            print_json(proposal)
        else:
            console.print(f"proposed, and nothing changes yet: {proposal.words}")
            console.print(next_step(proposal, hub))


def _of(hub: Hub) -> TrustedClock:
    clock = hub.clock
    assert isinstance(clock, TrustedClock)  # the command line opens no hub with a clock of its own
    return clock
