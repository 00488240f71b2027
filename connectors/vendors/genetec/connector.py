"""Pushes and dropped files are taken, and hot lists are written for Security Center to watch."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar, Final

from connectors import contract, xml
from connectors.auth import pushed_by_ours
from connectors.contract import Connector, Document, Entry, Page, Record, RemoteEntry
from connectors.counted import counted
from connectors.drop import Drop
from connectors.encoding import in_utf8
from connectors.errors import AdminMustFix, Gone, VendorChanged
from connectors.fields import slices
from connectors.hotlists import alive, file_stem
from connectors.vendors.genetec.forms import form_of, from_json, from_xml, without_tokens
from connectors.vendors.genetec.reads import read_of_file, read_of_ingested, read_of_sharp, read_of_webhook
from connectors.vendors.genetec.rows import entries_of, file_of
from connectors.vendors.genetec.settings import GenetecSettings
from normalize.plate import canonical
from normalize.read import Read

LARGEST: Final = 16 * 1024 * 1024


class GenetecConnector(Connector[GenetecSettings]):
    """SharpOS, the ingestion of third-party reads, FTP output, and watched hot-list files."""

    info = contract.Info(
        key="genetec",
        name="Genetec AutoVu",
        company="Genetec Inc.",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="genetec",
        limits=contract.Limits(parallel=1, page_size=100),
        known_limits=(
            "Security Center itself is not asked: what its reports answer is not published.",
            "The JSON of a Sharp carries no offset: without the time zone setting its times are guessed.",
            "The older webhook has no id of a read: it is made of camera, instant and plate.",
            "Genetec signs nothing it pushes: a secret in a header, a password or the address is all the proof.",
            "A hot list is a file that Security Center watches; nothing tells that it was loaded: no push is proved.",
            "Security Desk may rewrite a hot-list file; the next push writes it anew and such edits are gone.",
            "Priority belongs to a whole list in Security Center; the column that is written is an annotation there.",
            "Security Desk's editor loads at most 100 000 rows: keep it off for longer lists.",
            "An expiry is a day: an entry leaves with the first push after its end.",
            "Files stay where they are dropped: clear the folder from time to time.",
        ),
    )
    Settings = GenetecSettings
    proof: ClassVar[contract.Proof] = contract.Proof.ACCEPTED
    inbound: ClassVar[contract.Inbound] = contract.Inbound(
        content_types=("application/json", "text/json", "application/xml", "text/xml")
    )

    @cached_property
    def _drop(self) -> Drop:
        return self.closing(Drop(self.settings, self.frame.clock, replace(self.info.limits, body_bytes=LARGEST)))

    def check(self) -> str:
        """Lists the folder of reads; raises `AdminMustFix` where neither files nor pushes can arrive."""
        if self.settings.place:
            drop = self._drop
            with drop.opened() as place:
                return f"The place answers, with {counted(len(drop.exports(place)), 'file')} of reads in it."
        if self.settings.webhook_secret is None:
            raise AdminMustFix("neither a place nor a push secret is set, so no read can arrive")
        return "Nothing can be asked of cameras: reads come once they push to this connection with the secret."

    def verify(self, request: contract.Request) -> None:
        """Return where the push holds the secret; raises `AdminMustFix` where it does not, or none is set."""
        pushed_by_ours(request, self.settings)

    def pull(self, window: contract.Window) -> Iterator[Page]:
        """Every dropped file not taken yet, whatever its time; nothing where no place is set.

        A file that is no read goes on as a record, so that it is refused alone and kept.
        """
        if self.settings.place:
            yield from self._drop.pages(window, self._of_file)

    def _of_file(self, file: Document) -> Sequence[Record]:
        try:
            return list(self.records(Document(file.body, "application/xml", file.name)))
        except VendorChanged:
            return [Record("autovu", file.body)]

    def unpack(self, document: Document) -> Iterator[Record]:
        """The reads of a push or a file; raises `VendorChanged` for lists of plates and for other things."""
        body = document.body
        text = in_utf8(body)
        plain = text.lstrip()
        if plain.startswith(b"<"):
            name = xml.local(str(xml.element(body).tag))
            if name not in ("Plate", "AutoVu"):
                raise VendorChanged("is XML, but neither a Sharp's read nor its FTP file", body)
            yield Record("sharp_xml" if name == "Plate" else "autovu", body)
        elif plain.startswith((b"{", b"[")):
            parts = slices(text)
            if not parts:
                raise VendorChanged("is empty and tells of no read", body)
            for payload in parts if isinstance(parts, list) else [text]:
                yield Record(form_of(payload, body), payload)
        elif re.match(rb"[^\r\n]{0,500}?[;,\t]", plain):
            raise VendorChanged("is a delimited list of plates, not reads", body)
        else:
            raise VendorChanged("is neither JSON nor XML", body)

    def read_of(self, record: Record) -> Read:
        """A Sharp's read in JSON or XML, its FTP file, a third party's read, or the older webhook's."""
        if record.kind == "autovu":
            return read_of_file(without_tokens(from_xml(record)), self.settings)
        if record.kind == "sharp_xml":
            return read_of_sharp(from_xml(record), self.settings)
        data = from_json(record)
        if record.kind == "lpringestion":
            return read_of_ingested(data, self.settings)
        read_of_json = read_of_webhook if record.kind == "webhook" else read_of_sharp
        return read_of_json(data, self.settings)

    def held_form(self, plate: str) -> str:
        """As it is: nothing is published about how Security Center rewrites plates."""
        return canonical(plate)

    def as_held(self, entries: Sequence[Entry]) -> dict[tuple[str, str | None], Entry]:
        """Every plate and state once."""
        held: dict[tuple[str, str | None], Entry] = {}
        for entry in entries:
            held.setdefault((self.held_form(entry.plate), entry.state), entry)
        return held

    def push(self, delta: contract.Delta) -> contract.PushReport:
        """Write the whole list to its file, which Security Center reads anew on change; safe to repeat."""
        folder, name = self.settings.hotlists_folder, f"{file_stem(delta.list_name)}.txt"
        body = file_of(self.as_held(alive(delta.complete, self.frame.clock.now())), self.settings)
        with self._drop.opened() as place:
            try:
                same = place.read(folder, name, len(body)) == body
            except (Gone, AdminMustFix):
                same = False
            if not same:
                place.write(folder, name, body)
        return contract.PushReport(added=len(delta.add), removed=len(delta.remove))

    def list_remote(self, list_name: str) -> Iterator[RemoteEntry]:
        """The list as its file has it now, which proves what lies there and not what Security Center loaded.

        Raises `Gone` where there is no file, and `VendorChanged` at a row that cannot be read.
        """
        with self._drop.opened() as place:
            body = place.read(self.settings.hotlists_folder, f"{file_stem(list_name)}.txt", self.info.limits.body_bytes)
        return iter(entries_of(body, self.settings))
