"""PostgreSQL's own programs copy its database and bring it back; the password never stands among their arguments."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import IO, Final

from sqlalchemy import make_url

from hub.errors import AdminMustAct
from hub.store.engine import Store

FILE: Final = "alprhub.dump"


def dump(store: Store, to: Path) -> None:
    """A dump of the database as it is at one moment; raises `AdminMustAct` with what `pg_dump` says."""
    _run("pg_dump", store, "--format=custom", "--no-owner", f"--file={to}")


def undump(store: Store, file: IO[bytes]) -> None:
    """Fill an empty database from a dump, all of it or nothing; raises `AdminMustAct` with what `pg_restore` says."""
    _run("pg_restore", store, "--no-owner", "--exit-on-error", "--single-transaction", file=file)


def _run(program: str, store: Store, *words: str, file: IO[bytes] | None = None) -> None:
    if shutil.which(program) is None:
        raise AdminMustAct(
            f"{program} is not here, and PostgreSQL's database is copied and brought back by it alone: install"
            " PostgreSQL's client programs (postgresql-client), not older than the server, and see that PATH has them"
        )
    url = make_url(store.url)
    plain = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    done = subprocess.run(  # noqa: S603 - words of our own, and a shell never sees them
        [program, f"--dbname={plain}", *words],
        check=False, stdin=file, capture_output=True, text=True, errors="replace", env={**os.environ, **password},
    )  # fmt: skip
    if done.returncode:
        complaint = next((line for line in done.stderr.splitlines() if line.strip()), "it said nothing")
        raise AdminMustAct(
            f"{program} did not do it (exit {done.returncode}): {complaint.removeprefix(f'{program}: ')}"
        )
