"""Whether a field in force says at least as much as it said: what is not plainly as strict counts as looser."""

from collections.abc import Iterable
from typing import Any, Final

from hub.policy.durations import Duration, outlasts
from hub.policy.effective import FORCES, PERMITTED, Effective

_ALLOWS: Final = ("use.purposes", "hotlist.allowed_reasons", "sharing.recipients", "access.roles_enumerated")
"""Lists of what may be: one that lacks something is as strict."""
_DEMANDS: Final = (
    "training.prerequisites", "training.content", "query.rejected_terms", "hit.compare_fields", "audit.log_fields",
    "audit.auto_recorded_activities", "sharing.written_request_fields", "device_checks.start_of_shift",
    "ncic_extract.exclude_files",
)  # fmt: skip
"""Lists of what must be, or is shut out: one that has more is as strict."""
_SOONER: Final = ("training.refresh_interval", "audit.audit_frequency")
"""How often something is done: a shorter period is as strict."""
_DEMANDED_SOMETIMES: Final = "required_if_applicable"
_LEAVE: Final = (PERMITTED, "allowed", "prohibited")
"""How words begin that an outright prohibition is stricter than, or as strict as."""


def as_strict(old: Effective, new: Effective | None) -> bool:
    """Whether all that a field said still holds; None where no policy has the field any more.

    Of what does not bind, only the force, what is demanded or prohibited, and lists are compared.
    """
    if old.value is None:
        return True
    if new is None:
        return not old.binding
    if FORCES.index(new.force) < FORCES.index(old.force) or not _within(old, new):
        return False
    return _says_as_much(old, new)


def _says_as_much(old: Effective, new: Effective) -> bool:
    if old.required:
        return new.required
    if old.prohibited:
        return new.prohibited
    was, now = old.value, new.value
    if old.within or (type(was) is type(now) and was == now):
        return True
    if old.field in _ALLOWS and isinstance(was, list):
        return isinstance(now, list) and _parts(now) <= _parts(was)
    if old.field in _DEMANDS and isinstance(was, list):
        return isinstance(now, list) and _parts(was) <= _parts(now)
    return not old.binding or _stricter(old, new)


def _stricter(old: Effective, new: Effective) -> bool:
    """Whether another value of a field that binds can only be a stricter one."""
    if old.value == _DEMANDED_SOMETIMES:
        return new.required
    if new.prohibited:
        return isinstance(old.value, str) and old.value.startswith(_LEAVE)
    was, now = _period(old.value), _period(new.value)
    return old.field in _SOONER and was is not None and now is not None and not outlasts(now, was)


def _within(old: Effective, new: Effective) -> bool:
    """Whether every circle that bound still does, or a smaller one in it."""
    return all(any(set(other) <= set(circle) for other in new.within) for circle in old.within)


def _parts(values: Iterable[Any]) -> set[str]:
    return {str(value) for value in values}


def _period(value: Any) -> Duration | None:
    try:
        return Duration.parse(str(value))
    except ValueError:
        return None
