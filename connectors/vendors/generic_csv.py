"""Anybody who drops CSV files, understood through a map from columns to fields that an admin makes."""

from collections.abc import Iterator
from functools import cached_property
from typing import Final

from pydantic import Field

from connectors import contract, table
from connectors.contract import Connector, Page, Record
from connectors.counted import counted
from connectors.drop import CsvSettings, Drop
from connectors.mapping import IDENTITY, Mapping
from connectors.mapping.path import Scope, compiled
from normalize.read import ImageRef, Read

MAPPED: Final = '--set map=@FILE, in which "plate", "captured_at" and "camera_id" name columns (docs/mapping.md)'


class GenericCsvSettings(CsvSettings):
    """Where the files are dropped, and which column means what."""

    map: Mapping = Field(
        IDENTITY, title="Map", description="Which column leads to which field, as JSON; docs/mapping.md explains it."
    )


class GenericCsvConnector(Connector[GenericCsvSettings]):
    """CSV files of anybody's."""

    info = contract.Info(
        key="generic_csv",
        name="Any CSV files, by a map",
        company="any",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="generic",
        known_limits=(
            "The admin's map is as true as the admin: nobody here knows what the sender means by a column.",
            "Without a mapped read id, camera, instant and plate are the id: two reads alike in all three are one.",
            "In files without a header line, columns are called by their numbers, and nothing shows one that moved.",
        ),
    )
    Settings = GenericCsvSettings

    @cached_property
    def _drop(self) -> Drop:
        return self.closing(Drop(self.settings, self.frame.clock, self.info.limits))

    @cached_property
    def _needed(self) -> list[str]:
        return _needed(self.settings.map)

    def check(self) -> str:
        """Lists the folder and looks at the newest file's header."""
        count, newest = self._drop.newest()
        if newest is None:
            return f"The place answers; no file lies in {self.settings.reads_folder!r} yet."
        rows = counted(sum(1 for _ in self.unpack(newest)), "row")
        return f"The place answers with {counted(count, 'file')}; the newest has {rows} in columns that fit the map."

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every file not taken yet, by name, each with all its rows, as `Drop` promises it."""
        return self._drop.pages(window, self.unpack)

    def unpack(self, document: contract.Document) -> Iterator[Record]:
        """The rows of a file; raises `VendorChanged` where the header lacks a column that every read needs.

        A map of numbers is for files without a header.
        """
        told = self.settings
        required = dict.fromkeys(self._needed, MAPPED)
        return table.records(
            document.body, required, encoding=told.encoding, delimiter=told.delimiter, file=document.name
        )

    def read_of(self, record: Record) -> Read:
        """One row through the map; columns are found in any case."""
        return self.settings.map.read(Scope((table.cells(record, self._needed),), fold=True))

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture file beside the rows, at most 15 MB; raises `Gone` where there is none of that name."""
        return self._drop.picture(image.url or "")


def _needed(mapping: Mapping) -> list[str]:
    """The columns without which no row could become a read."""
    found = list[str]()
    for source in (mapping.plate, mapping.captured_at, mapping.camera_id):
        for where in (*(source.path if len(source.path) == 1 else ()), *source.plus):
            path = compiled(where)
            if path.base == "record" and source.default is None:
                found.append(path.steps[0] if len(path.steps) == 1 and path.steps[0] else path.name)
    return list(dict.fromkeys(found))
