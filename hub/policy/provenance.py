"""`Provenance`: what policy must know of a connection to say how long its reads live. Pure."""

from typing import NamedTuple


class Provenance(NamedTuple):
    """Whose reads they are: a connection's origin (`own`, `native_reader` …), and the vendor that rules name."""

    origin: str
    vendor: str
