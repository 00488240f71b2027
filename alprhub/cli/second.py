"""The second person, as the command line tells of them: who must approve what, and who did."""

from hub.proposals import Proposal
from hub.wiring import Hub
from hub.words import moment, span


def next_step(proposal: Proposal, hub: Hub) -> str:
    """What the first person is told: who must do what next, and until when."""
    until = moment(proposal.expires_at, hub.governing.zone)
    return (
        f"approval {proposal.id} waits until {until} for somebody other than"
        f" {proposal.proposed_by}, under a login of their own on this machine: alprhub approvals approve {proposal.id}"
        + (f". Approved, it waits {span(proposal.grace_seconds)} more" if proposal.grace_seconds else "")
    )


def approver(name: str | None, approval: int | None, ended: str | None = None) -> str:
    """Who approved something, as people read it; `ended` says why it has ended, if it has."""
    if name is None and ended is not None:
        return f"nobody: {ended}" if ended.startswith("its approval ") else "nobody, before it ended"
    if name is None:
        return f"nobody yet: approval {approval}"
    return name if approval is not None else f"{name} (by name, before approvals)"
