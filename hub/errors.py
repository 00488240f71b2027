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


class Stopped(HubError):
    """Somebody asked for an end: what was done before is kept, and the same command goes on."""


class PolicyConflict(PolicyRefused):
    """Two rules cannot both be kept; nothing is done until a person has signed which of them gives way."""
