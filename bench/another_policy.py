"""Another policy in force at once, as a measured recompute needs it: signed, approved, and without its grace."""

from sqlalchemy import text

from hub.people import Actor
from hub.policy.decisions import Decision
from hub.wiring import Hub


def put_in_force(hub: Hub, actor: Actor, name: str) -> None:
    """Propose a policy with what its loosening takes, and approve it as if its grace were over."""
    signed = Decision(
        settles="loosening", answer="to be measured", decided_by="nobody", title=hub.governing.profile.office,
        decided_at=hub.clock.now(), why="a recompute is measured",
    )  # fmt: skip
    proposal = hub.governing.activate.activate(actor, name, "measuring a recompute", [signed])
    second = Actor("second")
    hub.access.approvals.approve(second, proposal.id)
    with hub.store.write() as connection:
        connection.execute(text("UPDATE approvals SET decided_at = decided_at - grace"))
    hub.access.approvals.approve(second, proposal.id)
