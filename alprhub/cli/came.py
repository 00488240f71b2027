"""What a pull brought, as one sentence: every record that came, and what became of it."""

from hub.store.page import Saved
from hub.words import count


def came(connection: str, done: Saved) -> str:
    """How many records came, and what became of them; unreadable ones are named with the command that shows them."""
    if not done.pulled:
        return f"{connection}: nothing came"
    ways = [f"{count(done.stored, 'new read')}", f"{done.duplicates:,} here already"]
    if done.quarantined:
        ways.append(f"{done.quarantined:,} set aside, could not be read (alprhub quarantine list)")
    if done.born_expired:
        ways.append(f"{done.born_expired:,} not kept, their time was over before they came")
    return f"{connection}: {count(done.pulled, 'record')} came: {', '.join(ways)}; {count(done.hits, 'hit')}"
