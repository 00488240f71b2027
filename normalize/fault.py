"""How a value is refused on this floor."""


class Unusable(ValueError):
    """A value that cannot become part of a read; says which field and why, never the whole record."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class NoRead(Unusable):
    """A record that is as it should be and tells of no plate: a heartbeat, a picture without a car."""
