"""`Asking`: nobody sees data who does not say why, and nothing is handed out before it is on record who asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from hub.absent import instead
from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.errors import HubError, PolicyRefused
from hub.governing.in_force import Governing
from hub.people import Actor, Why
from hub.policy.profile import Profile

SHORTEST_REASON: Final = 4
_HOLLOW: Final = frozenset({"test", "testing", "n/a", "na", "none", "x", "-", "asdf", "check", "search"})


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

    def answered(self, results: int, **detail: Any) -> None:
        """Make the answer durable in the audit record; only after this may it leave."""
        self._audit.record(
            self._actor, self._action, Outcome.DONE, why=self._why, results=results, by_policy=self._policy_id,
            **self._detail, **detail,
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

        Raises `PolicyRefused` without a purpose of the profile or a reason that says something. A refusal, this one or
        any `HubError` raised inside before the answer, is on record too. `detail` is what was asked, for the record.
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
    if not why.purpose.strip():
        raise PolicyRefused(f"purpose: is missing; one of {purposes}")
    if why.purpose not in profile.purposes:
        meant = instead(why.purpose, list(profile.purposes))
        raise PolicyRefused(f"purpose: {why.purpose!r} is none of this agency's{meant}")
    wanted = profile.effective("query.reason")
    reason = why.reason.strip()
    if wanted.required and (reason.casefold() in _HOLLOW or len(reason) < SHORTEST_REASON):
        clauses = "; ".join(reference.clause for reference in wanted.references)
        raise PolicyRefused(f"reason: must say in words why ({clauses})")
