"""How far a pull is, and what became of it, as `sync` and `backfill` say it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import tzinfo

from alprhub.cli.came import came
from alprhub.cli.output import console
from alprhub.cli.progress import Work
from alprhub.plain import print_json
from hub.ingest.job import Pulling
from hub.store.page import Saved
from hub.words import count, moment


def shows(work: Work, connection: str, zone: tzinfo) -> Callable[[Pulling], None]:
    """A callback that draws the progress of a connection's run."""

    def show(now: Pulling) -> None:
        work.done |= {"kept": now.kept.stored, "pictures": now.pictures.fetched}
        window = f"{moment(now.window.since, zone)} to {moment(now.window.until, zone)}"
        counts = f"{count(now.pages, 'page')}, {count(now.kept.pulled, 'record')}, {now.kept.stored:,} new"
        work.say("window", f"{connection}, {window}: {counts}")
        if now.plates:
            work.told("plates", *now.plates)
        if now.pictures.fetched or now.pictures.failed:
            work.say("pictures", f"{count(now.pictures.fetched, 'picture')} fetched, {now.pictures.failed:,} failed")

    return show


def kept(work: Work, connection: str) -> str:
    """What a run that was stopped has kept."""
    parts = [count(work.done.get("kept", 0), "new read")]
    if work.done.get("pictures"):
        parts.append(count(work.done["pictures"], "picture"))
    asked = f", {count(work.done['plates'], 'plate')} of this round asked for" if "plates" in work.done else ""
    return f"{' and '.join(parts)} of {connection} kept{asked}"


def say_done(connection: str, done: Saved, elsewhere: Mapping[str, int], as_json: bool) -> None:
    """What became of a run; `elsewhere` are the hosts of pictures that it may not talk to."""
    if as_json:
        print_json({**asdict(done), "picture_hosts_not_allowed": elsewhere})
        return
    console.print(came(connection, done))
    if done.plates_left:
        plates = count(done.plates_asked + done.plates_left, "plate")
        console.print(f"{done.plates_left:,} of {plates} are still to be asked for; the next run goes on with them")
    if done.pictures or done.pictures_left:
        left = f"; {done.pictures_left:,} left for the next run or alprhub pictures" if done.pictures_left else ""
        console.print(f"{count(done.pictures, 'picture')} fetched{left}")
    say_elsewhere(elsewhere, f"alprhub connections health {connection} says how they are allowed")


def say_elsewhere(hosts: Mapping[str, int], how: str) -> None:
    """Which pictures were not fetched since their hosts are not allowed."""
    for host, pictures in hosts.items():
        lie = "lies" if pictures == 1 else "lie"
        console.print(f"{count(pictures, 'picture')} {lie} at {host}, which is not allowed; {how}", style="yellow")
