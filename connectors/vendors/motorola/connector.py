"""Exports are read through a column map, and hot lists leave as numbered files."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from hashlib import sha256
from typing import ClassVar, Final

from connectors import contract, table
from connectors.contract import Connector, Entry, Page, Record, RemoteEntry
from connectors.counted import counted
from connectors.drop import Drop
from connectors.errors import AdminMustFix, Gone, TryAgain
from connectors.hotlists import alive, file_stem
from connectors.vendors.motorola.cells import Cells
from connectors.vendors.motorola.files import file_of, loaded_rows, sent_files
from connectors.vendors.motorola.reads import read_of_row
from connectors.vendors.motorola.settings import MotorolaSettings
from normalize.plate import canonical
from normalize.read import ImageRef, Read
from normalize.states import state_of

LARGEST_LIST: Final = 30_000_000
"""Bytes in the largest hot-list file the vendor's help allows: under 30 MB (documented)."""
RECEIPT: Final = ".receipt.json"
_NEEDED: Final = ("plate_column", "captured_at_column", "camera_id_column")


class MotorolaConnector(Connector[MotorolaSettings]):
    """Vigilant by file drop, through a user-set column map."""

    info = contract.Info(
        key="motorola",
        name="Motorola Vigilant",
        company="Motorola Solutions, Inc.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="motorola",
        limits=contract.Limits(parallel=1, page_size=1000),
        known_limits=(
            "Motorola publishes no interface for plate reads: this connector reads CSV exports and writes CSV lists.",
            "Which columns an export has, when it comes and who moves it is between the agency and the vendor.",
            "The receipt that proves a list was loaded is a convention of this hub: the other end must write it.",
            "Whether a list may hold rows without a state is not published.",
            "A file is under 30 MB; expired entries leave with the next push, the vendor ages lists in its own way.",
        ),
    )
    Settings = MotorolaSettings
    proof: ClassVar[contract.Proof] = contract.Proof.RECEIPT

    @cached_property
    def _drop(self) -> Drop:
        return self.closing(Drop(self.settings, self.frame.clock, self.info.limits))

    def check(self) -> str:
        """Lists the folder of reads and looks at the newest export's header."""
        count, newest = self._drop.newest()
        if newest is None:
            return f"The place answers; no export lies in {self.settings.reads_folder!r} yet."
        rows = counted(sum(1 for _ in self.unpack(newest)), "row")
        return f"The place answers with {counted(count, 'export')}; the newest has {rows} under a header that fits."

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every export not taken yet, by name, each with all its rows, as `Drop` promises it."""
        return self._drop.pages(window, self.unpack)

    def unpack(self, document: contract.Document) -> Iterator[Record]:
        """The rows of an export; raises `VendorChanged` where the header lacks a column that must be there."""
        settings = self.settings
        required = {getattr(settings, setting): f"--set {setting}=COLUMN" for setting in _NEEDED}
        return table.records(
            document.body, required, encoding=settings.encoding, delimiter=settings.delimiter, file=document.name
        )

    def read_of(self, record: Record) -> Read:
        """One row through the column map."""
        needed = [getattr(self.settings, setting) for setting in _NEEDED]
        return read_of_row(Cells(record, needed), self.settings)

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture file beside the export, at most 15 MB; raises `Gone` where there is none of that name."""
        return self._drop.picture(image.url or "")

    def held_form(self, plate: str) -> str:
        """As it is: nothing is published about how the vendor writes plates."""
        return canonical(plate)

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Every plate and state; what is put for an unknown state is what comes back for it."""
        unknown = state_of(self.settings.unknown_state, self.settings.state_codes)
        return {(self.held_form(entry.plate), entry.state or unknown): entry for entry in entries}

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Put the list, or its changes, there as CSV; nothing where the newest file says the same, so repeats are free.

        Raises `AdminMustFix` where a file would not stay under the vendor's 30 MB (documented).
        """
        now, folder = self.frame.clock.now(), self.settings.hotlists_folder
        if self.settings.list_mode == "complete":
            parts: dict[str, Sequence[Entry]] = {"complete": alive(delta.complete, now)}
        else:
            changes = {"remove": delta.remove, "add": alive(delta.add, now)}
            parts = {kind: entries for kind, entries in changes.items() if entries}
        bodies = {kind: file_of(entries, self.settings) for kind, entries in parts.items()}
        if any(len(body) >= LARGEST_LIST for body in bodies.values()):
            raise AdminMustFix(f"the hot-list file would not stay under the vendor's {LARGEST_LIST} bytes")
        said = [(kind, sha256(body).hexdigest()[:16]) for kind, body in bodies.items()]
        with self._drop.opened() as place:
            sent = sent_files(place, folder, delta.list_name)
            if [(file.kind, file.content) for file in sent[-len(said) :]] != said:
                last = sent[-1].number if sent else 0
                # Numbered, because a loader that finds several files can only go by their names.
                for number, (kind, content) in enumerate(said, start=last + 1):
                    name = f"{file_stem(delta.list_name)}-{number:06d}-{content}-{kind}.csv"
                    place.write(folder, name, bodies[kind])
        return contract.PushReport(added=len(delta.add), removed=len(delta.remove))

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """What the loader's receipts say was loaded: the last complete file and every change after it.

        Raises `Gone` where no file was put there, `TryAgain` where a file has no receipt yet, and `VendorChanged` where
        a receipt does not fit its file.
        """
        folder, held = self.settings.hotlists_folder, dict[tuple[str, str], RemoteEntry]()
        with self._drop.opened() as place:
            sent = sent_files(place, folder, list_name)
            if not sent:
                raise Gone("no file of that hot list lies in the place")
            receipts = {file.name for file in place.files(folder)}
            begin = max((index for index, put in enumerate(sent) if put.kind == "complete"), default=0)
            for put in sent[begin:]:
                if put.name + RECEIPT not in receipts:
                    raise TryAgain("a file of that hot list has no receipt yet")
                try:
                    body = place.read(put.folder, put.name, LARGEST_LIST)
                    receipt = place.read(folder, put.name + RECEIPT, LARGEST_LIST)
                except Gone:  # as they are moved about; it does not say that the list is gone
                    raise TryAgain("a file of that hot list left while it was read") from None
                for row in loaded_rows(receipt, put.name, body):
                    key = row["Hot Plate"], row["State"]
                    if put.kind == "remove":
                        held.pop(key, None)
                    else:
                        held[key] = RemoteEntry(key[0], state_of(key[1], self.settings.state_codes))
        return iter(held.values())
