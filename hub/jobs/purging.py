"""`purged`: a purge, and then what it certified on its way to the custodian of records, as one piece of work."""

from hub.errors import Busy, HubError
from hub.jobs.proved import Done
from hub.people import Actor
from hub.progress import Progress, untold
from hub.wiring import Hub
from hub.words import count, named


def purged(hub: Hub, actor: Actor, progress: Progress = untold) -> Done:
    """Purge, then deliver what is not proved to have arrived; a letter in the way of nothing that was destroyed."""
    gone = hub.retention.expired.purge(actor, progress)
    try:
        waiting = [letter for letter in hub.proofs.deliveries.run(actor) if letter.delivered_at is None]
    except Busy:  # somebody else is at it
        return Done(gone)
    except HubError as failed:
        return Done(gone, f"certificates of destruction did not get to their custodian: {failed}")
    if not waiting:
        return Done(gone)
    number = sum(letter.certificates for letter in waiting)
    ways = named(list(dict.fromkeys(letter.way for letter in waiting)))
    return Done(gone, f"{count(number, 'certificate')} of destruction did not get to their custodian by {ways}")
