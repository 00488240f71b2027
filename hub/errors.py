"""What the hub refuses, named by what the asker can do about it. Programs go by `code`, which stays as it is.

Exception
 +-- HubError
      +-- PolicyRefused           policy or law does not allow it
      |    +-- PolicyConflict     two rules cannot both be kept
      +-- NotFound                there is no such thing here
      |    +-- Removed            there was such a connection
      |    +-- NoConnector        its connector is not installed or not allowed here
      +-- Conflict                it stands against what is there
      |    +-- Busy               the same again later will do
      |    |    +-- RemovalStopped    hub.connections.removal
      |    +-- RemovesMost        hub.hotlists.withdrawals
      |    +-- Outdated           what it was about was changed since
      |    +-- Unsettled          a person must end or resume something first
      +-- AdminMustAct            a setting, a disk, a right, a server
      |    +-- NoAgency           nobody has said whose hub it is
      +-- IntegrityBroken         what is kept does not agree with itself
      +-- Invalid                 the input cannot be used
      |    +-- Faults             several things of one input cannot be used
      +-- Stopped                 somebody asked for an end
      |    +-- Overtaken         hub.retention.recompute: another policy is in force
      +-- Refused                 hub.ingest.receivers: the sender did not prove itself
      +-- Paused                  hub.ingest.receivers: nothing is taken for now
      +-- Full                    hub.store.spool: there is no room
      +-- NotSent                 hub.notices.notice: a way out did not take it
"""

from collections.abc import Sequence
from typing import ClassVar

from connectors.faults import MOST


class HubError(Exception):
    """Base of everything the hub raises on purpose."""

    code: ClassVar[str] = "hub_error"
    """Names the class for programs, beside the sentence for people; it stays when a class or a sentence changes."""


class PolicyRefused(HubError):
    """Policy or law does not allow it; the message names what is missing or the clause."""

    code = "policy_refused"


class NotFound(HubError):
    """There is no such thing here."""

    code = "not_found"


class Removed(NotFound):
    """There was such a connection, and it was removed."""

    code = "removed"


class NoConnector(NotFound):
    """This process does not have the connector of a connection: it is not installed, or not allowed."""

    code = "no_connector"


class Conflict(HubError):
    """It stands against what is there already: another name, another value, or another order of steps would do."""

    code = "conflict"


class Outdated(Conflict):
    """What it was about has changed since it was proposed: the same can never be carried out any more."""

    code = "outdated"


class Busy(Conflict):
    """Somebody else is at it now; the same again later will do."""

    code = "busy"


class Unsettled(Conflict):
    """Something was begun or stopped that a person must end or resume first."""

    code = "unsettled"


class AdminMustAct(HubError):
    """Only whoever runs this machine can put it right: a setting, a disk, a right, a server."""

    code = "admin_must_act"


class IntegrityBroken(HubError):
    """What is kept does not agree with itself; nothing more is handed out until a person has looked."""

    code = "integrity_broken"


class Invalid(HubError):
    """The input cannot be used; the message names the field."""

    code = "invalid"


class Faults(Invalid):
    """Several things of one input cannot be used: `of` says what it is of and what was done, `sentences` each fault."""

    code = "faults"

    def __init__(self, of: str, sentences: Sequence[str], more: int = 0) -> None:
        self.of = of
        self.sentences = (
            *sentences[:MOST],
            *((f"and {left:,} more",) if (left := more + len(sentences[MOST:])) else ()),
        )
        super().__init__((f"{of}: " if of else "") + "; ".join(self.sentences))


class NoAgency(AdminMustAct):
    """Nobody has said whose hub is in a place; `in_force` is the policy that governs all the same, if one does."""

    code = "no_agency"

    def __init__(self, in_force: str | None, where: str, setting: str) -> None:
        sentence = f"there is no hub in {where} yet: alprhub init makes one"
        if in_force is not None:
            sentence = f"the hub in {where} has no agency yet: alprhub init names it"
        super().__init__(f"{sentence}; {setting} says where hubs are")
        self.in_force = in_force


class Stopped(HubError):
    """Somebody asked for an end: what was done before is kept, and the same command goes on."""

    code = "stopped"


class PolicyConflict(PolicyRefused):
    """Two rules cannot both be kept; nothing is done until a person has signed which of them gives way."""

    code = "policy_conflict"
