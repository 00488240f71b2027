"""Who acts, and why they want to see data."""

import os
import pwd
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

_PROC: Final = Path("/proc")
_NOBODY_LOGGED_IN: Final = 0xFFFF_FFFF
_OF_ROOT: Final = ["0"] * 4


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. Until there are accounts it is the machine's login user, and the record says that nobody proved it."""

    name: str
    authenticated: bool = False
    kind: Literal["person", "service"] = "person"
    """A service does what nobody needs to decide: it neither proposes nor approves."""

    @classmethod
    def of_process(cls) -> "Actor":
        """The person whom the kernel knows to run this process, whatever the environment says."""
        return cls(login_name())

    @classmethod
    def service(cls, name: str) -> "Actor":
        """A part of the hub that acts by itself."""
        return cls(name, kind="service")

    def is_called(self, name: str) -> bool:
        """Whether a name is this person's, in whatever spelling."""
        return _spelling(self.name) == _spelling(name)


@dataclass(frozen=True, slots=True)
class Why:
    """Why somebody wants to see data: a purpose of the profile, the reason in words, a case number if there is one."""

    purpose: str
    reason: str
    case_number: str | None = None


def login_name(proc: Path = _PROC) -> str:
    """The name of the user who logged in, also behind `sudo` and `su`; else of the user that this process runs as.

    No environment variable is asked: whoever types it may write anything into it.
    """
    uid = _logged_in(proc)
    uid = os.getuid() if uid is None else uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _logged_in(proc: Path) -> int | None:
    """The number of the user who logged in; None where nobody did, or it cannot be seen that root noted it.

    Whoever has no number yet may write any into their own process, and their children have it too. So it is believed
    only where the first process that has it is root's, as that of `sshd` and `login` is, and so is all above it.
    """
    try:
        uid, parent = _login_of(proc / "self"), int(_status(proc / "self")["PPid"][0])
        if uid == _NOBODY_LOGGED_IN:
            return None
        above = []
        while parent:
            process = proc / str(parent)
            status = _status(process)
            above.append((_login_of(process), status["Uid"] == _OF_ROOT))
            parent = int(status["PPid"][0])
    except (OSError, ValueError, LookupError):
        return None
    session = next((place for place, (login, _) in enumerate(above) if login != uid), len(above))
    if session in (0, len(above)):
        return None  # this process has it from itself, or the first that has it has no parent that could be seen
    return uid if all(roots for _, roots in above[session - 1 :]) else None


def _login_of(process: Path) -> int:
    return int((process / "loginuid").read_text())


def _status(process: Path) -> dict[str, list[str]]:
    lines = (line.partition(":") for line in (process / "status").read_text().splitlines())
    return {name: value.split() for name, _, value in lines}


def _spelling(name: str) -> str:
    """A name without what only its spelling tells apart: case, width, spaces, and signs that nobody sees."""
    seen = "".join(sign for sign in unicodedata.normalize("NFKC", name) if unicodedata.category(sign) != "Cf")
    return " ".join(seen.casefold().split())
