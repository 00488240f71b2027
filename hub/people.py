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
_LOOK_ALIKES: Final = str.maketrans(
    "\u0430\u0432\u0435\u0451\u0455\u0456\u0457\u0458\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445"
    "\u04bb\u0501\u051b\u051d\u04cf\u03b1\u03b5\u03b7\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7",
    "abeesiijkmhopctyxhdqwlaenikvoptux",
)
"""Small Cyrillic and Greek letters that look like Latin ones."""
_BLANK_LETTERS: Final = "\u115f\u1160\u3164\uffa0"
"""Letters of Hangul that show nothing."""


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


NO_EVENT: Final = "none applicable"
"""What stands for the number of an event where somebody says that there is none."""
NO_EVENT_SAID: Final = frozenset({"none", "n/a", "not applicable", NO_EVENT})
"""The usual words for it."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why somebody wants to see data: a purpose of the profile, the reason in words, a case number if there is one.

    `event_number` is that of the event that it is about, or `NO_EVENT`, in whatever usual words; None: nothing is said.
    """

    purpose: str
    reason: str
    case_number: str | None = None
    event_number: str | None = None

    def __post_init__(self) -> None:
        said = " ".join((self.event_number or "").split())
        object.__setattr__(self, "event_number", NO_EVENT if said.casefold() in NO_EVENT_SAID else said or None)


def plainly(text: str) -> str:
    """The letters and digits of a text, without what only its spelling tells apart: case, width, signs and spaces."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(sign for sign in folded if sign.isalnum() and sign not in _BLANK_LETTERS)


def login_name(proc: Path = _PROC) -> str:
    """The name of the user who logged in, also behind `sudo` and `su`; else of the user that this process runs as.

    No environment variable is asked: whoever types it may write anything into it.
    """
    uid = _person(proc)
    uid = os.getuid() if uid is None else uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _person(proc: Path) -> int | None:
    """The number of the user who logged in, or whose process is behind this one; None where that cannot be seen.

    Whoever has no number of a login yet may write any into their own process, and their children have it too. So it is
    believed only where the first process that has it is root's, as that of `sshd` and `login` is, and so is all above
    it. Else it is the first user above this process who is not root: nobody becomes another one by `sudo`.
    """
    try:
        process, chain = proc / "self", []
        while True:
            status = _status(process)
            chain.append((_login_of(process), status["Uid"]))
            if status["PPid"] == ["0"]:
                break
            process = proc / status["PPid"][0]
        login = chain[0][0]
        first = next((place for place, (other, _) in enumerate(chain) if other != login), len(chain)) - 1
        given = 0 < first < len(chain) - 1 and all(uids == _OF_ROOT for _, uids in chain[first:])
        if given and login != _NOBODY_LOGGED_IN:
            return login
        return next((int(uids[0]) for _, uids in reversed(chain) if uids[0] != "0"), 0)
    except (OSError, ValueError, LookupError):
        return None


def _login_of(process: Path) -> int:
    return int((process / "loginuid").read_text())


def _status(process: Path) -> dict[str, list[str]]:
    lines = (line.partition(":") for line in (process / "status").read_text().splitlines())
    return {name: value.split() for name, _, value in lines}


def _spelling(name: str) -> str:
    """A name without what only its spelling tells apart: case, width, spaces, signs that nobody sees, and letters of
    other alphabets that look like Latin ones."""
    seen = "".join(sign for sign in unicodedata.normalize("NFKC", name) if unicodedata.category(sign) != "Cf")
    return " ".join(seen.casefold().translate(_LOOK_ALIKES).split())
