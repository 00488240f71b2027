"""What the hub refuses, named by what the asker can do about it."""


class HubError(Exception):
    """Base of everything the hub raises on purpose."""


class PolicyRefused(HubError):
    """Policy or law does not allow it; the message names what is missing or the clause."""


class NotFound(HubError):
    """There is no such thing here."""


class Conflict(HubError):
    """It exists already, is busy, or stands against something else that must be settled first."""


class IntegrityBroken(HubError):
    """What is kept does not agree with itself; nothing more is handed out until a person has looked."""


class Invalid(HubError):
    """The input cannot be used; the message names the field."""


class NeedsAdmin(HubError):
    """An admin must settle something first; the message says what and with which command."""


class NoAgency(NeedsAdmin):
    """Nobody has said whose hub this is; `in_force` is the policy that governs all the same, if one does."""

    def __init__(self, in_force: str | None) -> None:
        super().__init__("this hub has no agency yet: alprhub init")
        self.in_force = in_force


class Stopped(HubError):
    """Somebody asked for an end: what was done before is kept, and the same command goes on."""


class PolicyConflict(PolicyRefused):
    """Two rules cannot both be kept; nothing is done until a person has signed which of them gives way."""
