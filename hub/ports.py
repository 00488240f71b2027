"""What services must know of a connection, without knowing the service that keeps connections."""

from typing import Protocol

from hub.policy.provenance import Provenance


class ConfiguredAccount(Protocol):
    """A configured account at a vendor."""

    @property
    def id(self) -> int:
        """The row."""

    @property
    def name(self) -> str:
        """The name people use."""

    @property
    def state(self) -> str:
        """`active`, or why not."""

    @property
    def state_reason(self) -> str | None:
        """Why it is paused."""

    @property
    def provenance(self) -> Provenance:
        """Whose reads they are."""

    @property
    def every_seconds(self) -> int:
        """How often it is pulled."""
