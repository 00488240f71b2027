"""A row's cells by column name, whatever the case of its letters."""

from collections.abc import Sequence

from connectors import table
from connectors.contract import Record
from connectors.fields import Fields
from connectors.plates import plate_at
from normalize.fault import Unusable
from normalize.read import Place as WhereAt


class Cells:
    """A row's cells by column name, whatever the case of its letters; empty cells count as absent."""

    def __init__(self, record: Record, needed: Sequence[str]) -> None:
        self._cells = table.cells(record, needed)

    def get(self, column: str) -> str | None:
        return Fields({"cell": self._cells.get(column.casefold())}, column).text_or_none("cell")

    def must(self, column: str) -> str:
        text = self.get(column)
        if text is None:
            raise Unusable(column, "is missing or empty")
        return text

    def plate(self, column: str, confidence: float | None) -> str:
        """A plate; a row whose cell for it is empty tells of a vehicle whose plate was not read."""
        return plate_at(Fields(self._cells), column.casefold(), confidence)

    def number(self, column: str) -> float | None:
        text = self.get(column)
        try:
            return float(text) if text else None
        except ValueError:
            raise Unusable(column, "is not a number") from None

    def place(self, latitude: str, longitude: str) -> WhereAt | None:
        return Fields({"latitude": self.number(latitude), "longitude": self.number(longitude)}).place(
            "latitude", "longitude"
        )
