"""How long a criminal case needs its reads: the statute of limitations, by class of offence."""

from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from hub.absent import instead
from hub.errors import Invalid
from hub.policy.contract import Period
from hub.policy.document import checked, plain
from hub.policy.durations import Duration
from hub.policy.resolution import Bound
from hub.policy.rules import Rule

Task = Literal["classify_offence", "state_commission_date", "review_case"]
"""What a person must do: name the class, name the day of the offence, or say whether the case still needs the read."""


class Offence(BaseModel):
    """A class of offences and the time in which prosecution must begin."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    limit: Period | None
    """ISO 8601 from the day of the offence; None where prosecution may begin at any time."""
    text: str
    ref: str


class Limitations(BaseModel):
    """The table of one jurisdiction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal["1"]
    jurisdiction: str
    clock: Literal["committed_on"]
    review: Period
    classes: tuple[Offence, ...]

    def offence(self, name: str) -> Offence:
        """The class of a name; raises `Invalid`, naming those there are."""
        offence = next((kind for kind in self.classes if kind.id == name), None)
        if offence is None:
            raise Invalid(f"offence: {name!r} is no class{instead(name, [kind.id for kind in self.classes])}")
        return offence


class CaseLife(NamedTuple):
    """How long a read lives that a case needs: an end, or a task with the day by which a person must have looked."""

    until: Bound | None
    """When it must be gone. None: nobody knows yet, or never; then there are a task and a `review_at`."""
    task: Task | None
    review_at: datetime | None
    clause: str


def case_life(
    table: Limitations,
    rule: Rule,
    captured_at: datetime,
    zone: ZoneInfo,
    offence: str | None,
    committed_on: date | None,
) -> CaseLife:
    """What the table says of a read of a case; `rule` is the policy's rule for cases.

    The period runs from the end of the day of the offence in the agency's zone and rounds up: the read is there for as
    long as a prosecution may begin. Without a class, or without the day, there is no end but a task, and the same for
    what has no limit: a look every `review` period, the first one counted from the capture.
    """
    clause = rule.clause
    review_at = Duration.parse(table.review).ceiling(captured_at, zone)
    if rule.until != "statute_of_limitations":
        return CaseLife(None, "review_case", review_at, clause)
    if offence is None:
        return CaseLife(None, "classify_offence", review_at, clause)
    known = table.offence(offence)
    clause = f"{clause}; {known.ref}"
    if known.limit is None:
        return CaseLife(None, "review_case", review_at, clause)
    if committed_on is None:
        return CaseLife(None, "state_commission_date", review_at, clause)
    day_over = datetime.combine(committed_on + timedelta(days=1), time(), zone)
    end = Duration.parse(known.limit).floor(day_over, zone)
    return CaseLife(Bound(end, rule.id, clause, rule.layer), None, None, clause)


@cache
def load_limitations() -> Limitations:
    """The built-in table: California's."""
    name = "limitations.yaml"
    return checked(Limitations, plain(files("hub.policy").joinpath(name).read_bytes(), name), name)
