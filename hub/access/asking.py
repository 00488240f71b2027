"""`Asking`: nobody sees data who does not say why, and nothing is handed out before it is on record who asked."""

from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from unicodedata import category

from hub.absent import instead
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.errors import HubError, PolicyRefused
from hub.governing.in_force import Governing
from hub.people import NO_EVENT, NO_EVENT_SAID, Actor, Why, plainly
from hub.policy.profile import Profile

SHORTEST_REASON: Final = 4
"""Letters and digits."""
LONGEST_EVENT: Final = 60
REJECTED: Final = "query.rejected_terms"
"""The field of a policy with the words that say nothing, and so are no reason and no number of an event."""
_UNWRITTEN: Final = ("Cc", "Cs", "Zl", "Zp")
"""Categories of control characters, of halves of one, and of breaks of a line."""


class Question:
    """One question on its way to an answer."""

    def __init__(
        self, audit: Audit, actor: Actor, action: Act, why: Why, detail: dict[str, Any], policy_id: int | None
    ) -> None:
        self._audit = audit
        self._actor = actor
        self._action = action
        self._why = why
        self._detail = detail
        self._policy_id = policy_id
        self.on_record = False

    def answered(self, results: int, sources: Mapping[str, str], **detail: Any) -> None:
        """Make the answer durable in the audit record; only after this may it leave.

        `sources` are the connections that were asked, whether they gave anything or not, each with how it stands.
        """
        self._audit.record(
            self._actor, self._action, Outcome.DONE, why=self._why, results=results, by_policy=self._policy_id,
            **self._detail, sources=dict(sources), **detail,
        )  # fmt: skip
        self.on_record = True

    def refused(self, refusal: str) -> None:
        """Make a refusal durable."""
        self._audit.record(
            self._actor, self._action, Outcome.REFUSED, why=self._why, refusal=refusal, by_policy=self._policy_id,
            **self._detail,
        )  # fmt: skip
        self.on_record = True


class Asking:
    """The door that every question about reads goes through."""

    def __init__(self, audit: Audit, governing: Governing) -> None:
        self._audit = audit
        self._governing = governing

    @contextmanager
    def question(self, actor: Actor, action: Act, why: Why, **detail: Any) -> Iterator[Question]:
        """Let a question in that says why; inside, find the answer and call `answered` before handing it out.

        Raises `PolicyRefused` without a purpose of the profile or a reason that says something, and where the profile
        asks for the number of an event, without one or the word that there is none. A refusal, this one or any
        `HubError` raised inside before the answer, is on record too. `detail` is what was asked, for the record.
        """
        policy = self._governing.now()
        asked = Question(self._audit, actor, action, why, detail, policy.id)
        try:
            _allowed(why, policy.profile)
            yield asked
        except HubError as refused:
            if not asked.on_record:
                asked.refused(str(refused))
            raise
        if not asked.on_record:
            raise RuntimeError(f"{action}: an answer left without a record")


def _allowed(why: Why, profile: Profile) -> None:
    purposes = ", ".join(profile.purposes)
    if not plainly(why.purpose):
        raise PolicyRefused(f"purpose: is missing; one of {purposes}")
    if why.purpose not in profile.purposes:
        meant = instead(why.purpose, list(profile.purposes))
        raise PolicyRefused(f"purpose: {why.purpose!r} is none of this agency's{meant}")
    wanted = profile.effective("query.reason")
    if cannot_be_shown(why.reason):
        raise PolicyRefused("reason: has characters that cannot be shown; say it in one line of plain text")
    if wanted.required and says_nothing(why.reason, profile):
        raise PolicyRefused(f"reason: must say in words why ({wanted.clauses})")
    _demand_event(why.event_number, profile, _hollow(profile))


def _demand_event(event: str | None, profile: Profile, hollow: Container[str]) -> None:
    """Return where the number of an event is given as the profile wants it; raises `PolicyRefused`."""
    wanted = profile.effective("query.event_number")
    if event is None:
        if wanted.value is None:
            return
        none = "" if wanted.required else ", or none where no event has one (--event none)"
        raise PolicyRefused(
            f"event: is missing; this agency's policy asks for the number of the event with each question"
            f" ({wanted.clauses}): --event NUMBER{none}"
        )
    if event == NO_EVENT:
        if wanted.required:
            raise PolicyRefused(f"event: this agency's policy asks for a number, and takes no none ({wanted.clauses})")
        return
    plain = plainly(event)
    if (
        not plain
        or plain in map(plainly, NO_EVENT_SAID)
        or plain in hollow
        or len(event) > LONGEST_EVENT
        or not event.isprintable()
    ):
        raise PolicyRefused(
            f"event: {event[:LONGEST_EVENT]!r} is no number of an event: give it as it was issued, in at most"
            f" {LONGEST_EVENT} characters"
        )


def says_nothing(reason: str, profile: Profile) -> bool:
    """Whether a reason is none: too short, a word that says nothing by the profile, or nothing that anybody can see."""
    plain = plainly(reason)
    return plain in _hollow(profile) or len(plain) < SHORTEST_REASON


def cannot_be_shown(reason: str) -> bool:
    """Whether a reason has control characters, or breaks of a line."""
    return any(category(sign) in _UNWRITTEN for sign in reason)


def _hollow(profile: Profile) -> set[str]:
    return {plainly(term) for term in profile.effective(REJECTED).value or ()}
