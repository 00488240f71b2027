"""`Provenance`: what policy must know of a connection to say how long its reads live. Pure."""

from typing import NamedTuple

from hub.policy.contract import SourceContract


class Provenance(NamedTuple):
    """Whose reads they are: a connection's origin (`own`, `native_reader` …), the vendor that rules name, and what was
    agreed with it, where anything was."""

    origin: str
    vendor: str
    contract: SourceContract | None = None
