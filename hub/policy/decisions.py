"""Signed decisions: what a policy leaves to a person, and what that person decided."""

from functools import lru_cache
from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from hub.errors import Invalid
from hub.policy.contract import Term
from hub.policy.document import checked, plain

LENGTHENING: Final = "lengthening"
"""What a decision settles that lets reads live longer which were collected under a shorter promise."""
LOOSENING: Final = "loosening"
"""What a decision settles that lets a policy be loosened: a floor shortened, a ceiling lengthened, a rule dropped."""


class Decision(BaseModel):
    """A signed decision: who decided what, when, why, and what counsel says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settles: str = Field(
        min_length=1,
        description="The id of what is decided: hb-d1, ca-14, conflict:FLOOR:CEILING, lengthening, loosening.",
    )
    answer: str = Field(min_length=1, description="What was decided, in words.")
    decided_by: str = Field(min_length=1, description="The person's name.")
    title: str = Field(min_length=1, description="The person's title.")
    decided_at: AwareDatetime
    why: str = Field(min_length=4)
    counsel: str | None = Field(default=None, min_length=1, description="The reference of counsel's opinion.")
    prevails: Literal["floor", "ceiling"] | None = Field(
        default=None, description="Of a conflict: which of the two is kept."
    )
    ceilings: dict[str, Term] = Field(
        default_factory=dict, description="Rule id → the ceiling that the policy leaves to a retention schedule."
    )

    @model_validator(mode="after")
    def _whole(self) -> "Decision":
        if self.settles.startswith("conflict:"):
            if self.prevails is None:
                raise ValueError("prevails: is missing; a conflict is settled by saying which of the two is kept")
            if self.counsel is None:
                raise ValueError("counsel: is missing; a conflict of rules needs counsel's opinion")
        elif self.prevails is not None:
            raise ValueError("prevails: belongs to conflicts only")
        return self


class Signed(BaseModel):
    """A document of signed decisions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decisions: tuple[Decision, ...]


@lru_cache(maxsize=32)  # each start reads them several times
def read_decisions(body: bytes, name: str) -> tuple[Decision, ...]:
    """The decisions of a YAML document (`decisions: […]`), each id once; raises `Invalid` with the path of a field."""
    decisions = checked(Signed, plain(body, name), name).decisions
    seen: set[str] = set()
    for place, decision in enumerate(decisions):
        if decision.settles in seen:
            raise Invalid(f"{name}: decisions.{place}.settles: {decision.settles} is signed twice")
        seen.add(decision.settles)
    return decisions
