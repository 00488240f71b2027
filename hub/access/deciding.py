"""Who may decide what was proposed, and until when: never who proposed it."""

from typing import Final

from hub.errors import Conflict, PolicyRefused
from hub.people import Actor
from hub.proposals import Proposal, State

_OTHER: Final = (
    "another person must approve it, under a login of their own on this machine"
    " (whoever runs the machine can make a second login)"
)


def may_decide(actor: Actor, proposal: Proposal) -> bool:
    """Whether somebody is a person other than who proposed it."""
    return actor.kind == "person" and not actor.is_called(proposal.proposed_by)


def demand(actor: Actor, proposal: Proposal, verdict: State, at: str) -> None:
    """Raise where somebody may not decide a proposal, or it is decided."""
    named = f"approval {proposal.id}"
    if actor.kind != "person":
        raise PolicyRefused(f"{named}: only a person decides what takes two people")
    if verdict == "withdrawn" and not actor.is_called(proposal.proposed_by):
        raise PolicyRefused(
            f"{named}: only {proposal.proposed_by}, who proposed it, withdraws it;"
            f" others refuse it: alprhub approvals refuse {proposal.id} --reason WHY"
        )
    if verdict != "withdrawn" and not may_decide(actor, proposal):
        own = f"; you can withdraw it: alprhub approvals withdraw {proposal.id}" if verdict == "refused" else ""
        raise PolicyRefused(
            f"{named}: {actor.name} proposed it, and"
            f" {_OTHER if verdict == 'approved' else 'who proposes does not decide'}{own}"
        )
    if proposal.state == "lapsed":
        raise Conflict(f"{named}: its time was over at {at}; it must be proposed anew")
    if verdict != "approved" and proposal.grace_seconds and proposal.state in ("in_grace", "approved"):
        return
    if proposal.state not in ("waits", "overtaken"):
        how = proposal.state.replace("carried_out", "approved and carried out").replace("in_grace", "approved")
        raise Conflict(f"{named}: was {how} at {at}" + (f" by {proposal.decided_by}" if proposal.decided_by else ""))
