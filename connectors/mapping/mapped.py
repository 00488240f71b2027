"""`Mapped`: a connector that understands documents through an admin's map, whichever way they come."""

from collections.abc import Iterator
from typing import TypeVar

from pydantic import Field

from connectors import contract
from connectors.contract import Connector, Record
from connectors.http import Http
from connectors.mapping import IDENTITY, Mapping, documents
from connectors.mapping.pictures import Host, fetched, reachable
from normalize.read import ImageRef, Read


class MapSettings(contract.Settings):
    """The map, and where pictures may be fetched."""

    map: Mapping = Field(
        IDENTITY, title="Map", description="Which path leads to which field, as JSON; docs/mapping.md explains it."
    )
    image_hosts: tuple[Host, ...] = Field(
        (), title="Picture hosts", description="Hosts whose https addresses of pictures are fetched; others are not."
    )


S = TypeVar("S", bound=MapSettings)


class Mapped(Connector[S]):
    """Documents through a map; how they come is the heir's."""

    def __init__(self, settings: S, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        hosts = settings.image_hosts
        self._http = self.closing(Http(f"https://{hosts[0]}", frame, allow=hosts[1:])) if hosts else None

    def unpack(self, document: contract.Document) -> Iterator[Record]:
        """The records at the map's `records`; raises `VendorChanged` where there is no such place."""
        return documents.records(document, self.settings.map)

    def read_of(self, record: Record) -> Read:
        """One record through the map."""
        read = self.settings.map.read(documents.scope(record, self.settings.map))
        return read.model_copy(update={"images": reachable(read.images)})

    def fetch_image(self, image: ImageRef) -> bytes:
        """The picture at an address that came; raises `HostNotAllowed` where it is at no host of the settings."""
        return fetched(self._http, image.url or "", self.settings.image_hosts)
