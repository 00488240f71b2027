"""A source contract: whose reads a connection brings, where the copy lies, and what was agreed about its life."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hub.policy.document import checked, plain
from hub.policy.durations import Duration
from hub.policy.rules import CopyHolder, LifeStart, Limit, Origin, Rule


def _period(text: str) -> str:
    Duration.parse(text)
    return text


Period = Annotated[str, AfterValidator(_period)]
"""An ISO 8601 duration, as text."""


class Term(BaseModel):
    """A period that the contract sets, with the place in the contract that says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dur: Period = Field(description="ISO 8601: P30D, P1Y.")
    clock: LifeStart
    ref: str = Field(min_length=3, description="Where the contract says so.")


class SourceContract(BaseModel):
    """What retention rests on: agency, connection and copy, never the vendor's name alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agency: str = Field(min_length=1, description="The id of the agency's profile: ca-hermosa-beach-pd.")
    connection: str = Field(min_length=1)
    vendor: str = Field(min_length=1, description="The name that profiles use: flock, motorola.")
    origin: Origin = "own"
    copy_at: CopyHolder = "hub"
    ceiling: Term | None = None
    floor: Term | None = None
    contract_id: str | None = Field(default=None, description="The agency's number of the contract.")

    def rules(self) -> tuple[Rule, ...]:
        """The contract as the rules of its own layer: none where it says nothing of time."""
        limits = (("ceiling", self.ceiling), ("floor", self.floor))
        return tuple(self._rule(name, term) for name, term in limits if term is not None)

    def _rule(self, name: str, term: Term) -> Rule:
        limit = Limit(Duration.parse(term.dur), term.clock, term.dur)
        return Rule(
            id=f"{self.connection}-{name}",
            layer="contract",
            origin=self.origin,
            vendor=self.vendor,
            linked=None,
            copy=self.copy_at,
            max=limit if name == "ceiling" else None,
            min=limit if name == "floor" else None,
            until=None,
            action="purge" if self.copy_at == "hub" else "verify_vendor_purge",
            force="shall",
            clause=f"{self.contract_id} {term.ref}" if self.contract_id else term.ref,
        )


def read_contract(body: bytes, name: str) -> SourceContract:
    """The contract of a YAML or JSON document; raises `Invalid` with the path of the field."""
    return checked(SourceContract, plain(body, name), name)
