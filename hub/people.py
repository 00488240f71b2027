"""Who acts, and why they want to see data."""

import os
import pwd
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

_LOGIN: Final = Path("/proc/self/loginuid")
_NOBODY_LOGGED_IN: Final = 0xFFFF_FFFF


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


def login_name(login: Path = _LOGIN) -> str:
    """The name of the user who logged in, also behind `sudo` and `su`; else of the user that this process runs as.

    No environment variable is asked: whoever types it may write anything into it.
    """
    uid = _logged_in(login)
    uid = os.getuid() if uid is None else uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _logged_in(login: Path) -> int | None:
    """The number of the user who logged in; None where the kernel notes none, or nobody logged in (a service)."""
    try:
        uid = int(login.read_text())
    except (OSError, ValueError):
        return None
    return None if uid == _NOBODY_LOGGED_IN else uid


def _spelling(name: str) -> str:
    """A name without what only its spelling tells apart: case, width, spaces, and signs that nobody sees."""
    seen = "".join(sign for sign in unicodedata.normalize("NFKC", name) if unicodedata.category(sign) != "Cf")
    return " ".join(seen.casefold().split())
