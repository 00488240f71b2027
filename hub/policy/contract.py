"""A source contract: whose reads a connection brings, where the copy lies, and what was agreed about them.

How long a copy lives is a layer of its own beside the policy's and the statutes'. Who owns the data, what may not be
done with them, and when the vendor deletes its copy once the contract is over, stands beside that.
"""

from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hub.errors import Invalid
from hub.policy.document import checked, plain
from hub.policy.durations import Duration
from hub.policy.rules import CopyHolder, LifeStart, Limit, Origin, Rule

Use = Literal["export", "hot_lists"]
"""What a contract may forbid: that reads of the source leave in files, that hot lists are sent to it."""
USES: Final[tuple[Use, ...]] = get_args(Use)


def _period(text: str) -> str:
    Duration.parse(text)
    return text


Period = Annotated[str, AfterValidator(_period)]
"""An ISO 8601 duration, as text."""
Place = Annotated[str, Field(min_length=3, description="Where the contract says so.")]


class Term(BaseModel):
    """A period that the contract sets, with the place in the contract that says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dur: Period = Field(description="ISO 8601: P30D, P1Y.")
    clock: LifeStart
    ref: Place


class Ownership(BaseModel):
    """Whose data they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: str = Field(min_length=1)
    ref: Place


class SharingTerms(BaseModel):
    """What may not be done with the source's reads, or with our hot lists at it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    forbids: tuple[Use, ...] = Field(min_length=1)
    ref: Place


class Deletion(BaseModel):
    """How soon the vendor deletes its own copy once the contract is over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    within: Period = Field(description="ISO 8601: P30D.")
    ref: Place


class SourceContract(BaseModel):
    """What retention rests on: agency, connection and copy, never the vendor's name alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agency: str | None = Field(
        default=None, min_length=1, description="The id of the agency's profile: ca-hermosa-beach-pd."
    )
    connection: str = Field(min_length=1)
    vendor: str = Field(min_length=1, description="The name that profiles use: flock, motorola.")
    origin: Origin = "own"
    copy_at: CopyHolder = "hub"
    ceiling: Term | None = None
    floor: Term | None = None
    ownership: Ownership | None = None
    sharing: SharingTerms | None = None
    deletion: Deletion | None = None
    contract_id: str | None = Field(default=None, description="The agency's number of the contract.")

    def rules(self) -> tuple[Rule, ...]:
        """The contract as the rules of its own layer: none where it says nothing of time."""
        limits = (("ceiling", self.ceiling), ("floor", self.floor))
        return tuple(self._rule(name, term) for name, term in limits if term is not None)

    def clause(self, ref: str) -> str:
        """A place in the contract, with the contract's number."""
        return f"{self.contract_id} {ref}" if self.contract_id else ref

    def forbids(self, use: Use) -> str | None:
        """The clause that forbids a use; None where nothing does."""
        if self.sharing is None or use not in self.sharing.forbids:
            return None
        return self.clause(self.sharing.ref)

    @property
    def owner(self) -> str | None:
        """Whose data they are, with the clause that says so; None where the contract does not say it."""
        if self.ownership is None:
            return None
        return f"{self.ownership.owner} ({self.clause(self.ownership.ref)})"

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
            clause=self.clause(term.ref),
        )


def read_contract(body: bytes, name: str, whose: dict[str, Any] | None = None) -> SourceContract:
    """The contract of a YAML or JSON document; raises `Invalid` with the path of the field.

    `whose` are the fields that are known already, which the document may leave out and must not contradict.
    """
    said = plain(body, name)
    for field, known in (whose or {}).items() if isinstance(said, dict) else ():
        if said.setdefault(field, known) != known:
            raise Invalid(f"{name}: {field}: the contract is for {said[field]!r}, and this is {known!r}")
    contract = checked(SourceContract, said, name)
    if not any((contract.ceiling, contract.floor, contract.ownership, contract.sharing, contract.deletion)):
        raise Invalid(f"{name}: says nothing: it needs a ceiling, a floor, ownership, sharing or deletion")
    return contract
