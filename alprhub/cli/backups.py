"""`alprhub backup | restore`: the whole hub as one consistent copy, and back with what is over by now gone."""

from pathlib import Path
from typing import Annotated, Final

import typer

from alprhub.acting import acting
from alprhub.cli.output import AsJson, console, failures
from alprhub.cli.progress import Work, working
from alprhub.plain import print_json
from hub.words import count, moment, named

INCOMPLETE: Final = 75
REDO: Final = (
    "What people did since then is undone too, and the hub cannot know it. Before anybody searches, do again: what"
    " courts ordered (alprhub retention destroy), removals (alprhub connections remove, alprhub hotlists withdraw),"
    " holds, and a policy that was put in force (alprhub policy activate)."
)
NO_KEY: Final = (
    "The key that opens vendors' secrets is not in it: keep a copy of secret.key from the data folder in another place"
    " than the backup (or of ALPRHUB_SECRET_KEY, where that is set). Whoever has both has the vendors' secrets; without"
    " the key they must be entered anew."
)


def backup(
    place: Annotated[Path, typer.Argument(help="The folder to make; best on another disk.")],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Put the key that opens vendors' secrets into it too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copy the whole hub as it is at one moment, while it goes on: database, audit log, pictures, waiting pushes.

    Nothing is purged meanwhile. With PostgreSQL its database is dumped by pg_dump; pictures on S3 stay where they are.
    A backup keeps what the hub destroys later, so it must be destroyed in time too: this says when. Exit 75 where
    pictures are missing or damaged in the hub: the backup is kept, and lacks them.
    """

    def stopped(_: Work) -> str:
        return "nothing is left of the backup; the same command makes it anew"

    with failures():
        from hub.backups.backup import back_up
        from hub.wiring import open_hub

        with working(stopped, as_json) as work, open_hub() as hub:
            manifest = back_up(hub, acting(), place, with_key=with_key, progress=work.told)
            zone = hub.governing.profile.zone
        if as_json:
            print_json({"place": str(place), **{name: getattr(manifest, name) for name in manifest.__struct_fields__}})
            raise typer.Exit(INCOMPLETE if manifest.pictures_missing else 0)
        console.print(
            f"{place}: {count(manifest.files, 'file')} ({manifest.bytes / 1e6:,.1f} MB), with"
            f" {count(manifest.pictures, 'picture')}, as of {moment(manifest.made_at, zone)}"
        )
        if manifest.pictures_at:
            console.print(
                f"The pictures at {manifest.pictures_at} are not in it: they stay there, and so must the bucket."
            )
        if manifest.first_over_at:
            console.print(
                f"From {moment(manifest.first_over_at, zone)} on it holds what the hub has destroyed: destroy it by"
                " then, or when your policy says."
            )
        if not manifest.with_key:
            console.print(NO_KEY)
        if missing := manifest.pictures_missing:
            console.print(
                f"{count(missing, 'picture')} that the hub should have {'is' if missing == 1 else 'are'} missing or"
                " damaged there, and so here: the backup is kept and lacks them. alprhub doctor --all says which."
            )
            raise typer.Exit(INCOMPLETE)


def restore(
    place: Annotated[Path, typer.Argument(help="The folder that alprhub backup made.")],
    key: Annotated[Path | None, typer.Option(help="The file secret.key, where it was kept apart.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a hub of a backup in an empty data folder, and purge what is over by now before anybody can ask for it.

    Every file is held against its digest first. With PostgreSQL its database must be empty, and pg_restore fills it.
    """

    def stopped(_: Work) -> str:
        return left_unfinished(settings) or "nothing was restored; the same command begins anew"

    with failures():
        from hub.backups.restore import left_unfinished
        from hub.backups.restore import restore as bring_back
        from hub.settings import from_environment

        settings = from_environment()

        with working(stopped, as_json) as work:
            done = bring_back(place, settings, acting(), key=key, progress=work.told)
        if as_json:
            print_json({
                "made_at": done.manifest.made_at, "purged": done.purged, "certificates": done.certificates,
                "key_missing": list(done.key_missing), "policy": done.policy, "policy_since": done.policy_since,
            })  # fmt: skip
            return
        console.print(
            f"The hub of {done.manifest.agency} is in {settings.data}, as of"
            f" {moment(done.manifest.made_at, done.zone)}. {count(sum(done.purged.values()), 'read')} purged, since"
            f" their time was up; {count(done.certificates, 'certificate')} in an unbroken chain."
        )
        console.print(
            f"Policy in force, by the backup: {done.policy}, since {moment(done.policy_since, done.zone)}.",
            style="yellow",
        )
        console.print(REDO)
        if done.key_missing:
            console.print(
                f"The secrets of {named(done.key_missing)} are closed: bring secret.key into {settings.data}, or enter"
                " them anew with alprhub connections rotate."
            )
        console.print("Next: alprhub doctor, then start the services.")
