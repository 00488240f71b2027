"""Who acts, and why they want to see data."""

import getpass
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. Until there are accounts it is the operating system's user, and the record says so."""

    name: str
    authenticated: bool = False

    @classmethod
    def of_process(cls) -> "Actor":
        """The user this process runs as."""
        return cls(getpass.getuser())


@dataclass(frozen=True, slots=True)
class Why:
    """Why somebody wants to see data: a purpose of the profile, the reason in words, a case number if there is one."""

    purpose: str
    reason: str
    case_number: str | None = None
