"""PostgreSQL's own programs copy its database and bring it back; the password never stands among their arguments."""

import os
import re
import shutil
import subprocess
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import IO, Final, NamedTuple

from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from hub.errors import AdminMustAct
from hub.store.engine import Store

FILE: Final = "alprhub.dump"
_OTHER_SERVER: Final = ("server version mismatch", "unrecognized configuration parameter")
"""What the programs say of a server that they are too old or too new for."""
_COPIED: Final = re.compile(r"COPY [^(]*\bconnections \(([^)]*)\) FROM stdin;")
_IN_PATH: Final = "on Debian: PATH=/usr/lib/postgresql/NN/bin:$PATH"


def dump(store: Store, to: Path) -> None:
    """A dump of the database as it is at one moment; raises `AdminMustAct` with what `pg_dump` says."""
    _run("pg_dump", store, "--format=custom", "--no-owner", f"--file={to}")


def undump(store: Store, file: IO[bytes]) -> None:
    """Fill an empty database from a dump, all of it or nothing; raises `AdminMustAct` with what `pg_restore` says."""
    _run("pg_restore", store, "--no-owner", "--exit-on-error", "--single-transaction", file=file)


class SealedRow(NamedTuple):
    """What a connection of a dump has sealed, and the id of the key that it is under (empty: nobody noted it)."""

    name: str
    sealed: bytes
    sealed_key: str


def sealed_in(store: Store, file: IO[bytes]) -> list[SealedRow]:
    """What the connections of a dump have sealed, by name, with nothing brought into the database.

    Raises `AdminMustAct` with what `pg_restore` says.
    """
    lines = iter(_run("pg_restore", store, "--data-only", "--table=connections", "--file=-", file=file).split("\n"))
    found = list[SealedRow]()
    for line in lines:
        if (copied := _COPIED.match(line)) is None:
            continue
        columns = [name.strip(' "') for name in copied[1].split(",")]
        for row in takewhile(lambda line: line != r"\.", lines):
            cells = dict(zip(columns, row.split("\t"), strict=True))
            sealed = bytes.fromhex(cells["sealed"].removeprefix(r"\\x"))
            found.append(SealedRow(cells["name"], sealed, cells.get("sealed_key", "")))
    return sorted(found)


def _run(program: str, store: Store, *words: str, file: IO[bytes] | None = None) -> str:
    """What the program prints; one that is told `--file=-` is not connected to the database."""
    if shutil.which(program) is None:
        raise AdminMustAct(
            f"{program} is not here, and PostgreSQL's database is copied and brought back by it alone: install"
            " PostgreSQL's client programs (postgresql-client), not older than the server, and see that PATH has them"
        )
    url = make_url(store.url)
    plain = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    done = subprocess.run(  # noqa: S603 - words of our own, and a shell never sees them
        [program, *([] if "--file=-" in words else [f"--dbname={plain}"]), *words],
        check=False, stdin=file, capture_output=True, text=True, errors="replace", env={**os.environ, **password},
    )  # fmt: skip
    if done.returncode:
        complaint = next((line for line in done.stderr.splitlines() if line.strip()), "it said nothing")
        complaint = complaint.removeprefix(f"{program}: ").removeprefix("error: ")
        unfit = _of_another_version(program, store, done.stderr)
        raise AdminMustAct(f"{program} did not do it (exit {done.returncode}): {complaint}" + (unfit or ""))
    return done.stdout


def _of_another_version(program: str, store: Store, complaint: str) -> str | None:
    """What to install where PostgreSQL's program says that it does not fit the server or the dump."""
    path = shutil.which(program)
    if "unsupported version" in complaint:
        return (
            f". {program} ({path}), {_version(program)}, is older than the pg_dump that wrote this: install the client"
            f" programs of the version that wrote it, put their folder first in PATH, and repeat ({_IN_PATH})"
        )
    if not any(words in complaint for words in _OTHER_SERVER):
        return None
    server = "NN"
    with suppress(DBAPIError), store.read() as connection:
        server = str(int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000)
    return (
        f". {program} ({path}), {_version(program)}, does not fit the server, PostgreSQL {server}: install the client"
        f" programs of the server's version (postgresql-client-{server}), put their folder first in PATH, and repeat"
        f" ({_IN_PATH.replace('NN', server)})"
    )


def _version(program: str) -> str:
    said = subprocess.run([program, "--version"], check=False, capture_output=True, text=True, errors="replace")  # noqa: S603
    found = re.search(r"\) (\d+)", said.stdout)
    return f"PostgreSQL {found[1]}" if found else "of a version that it does not tell"
