"""`Cameras`: the cameras that reads came from, and the sites that an admin gathers them to."""

from dataclasses import dataclass

from sqlalchemy import select, update

from hub.audit.record import Actor, Audit
from hub.errors import Invalid, NotFound
from hub.store import tables
from hub.store.engine import Store

LONGEST_SITE = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """A camera: whose it is, the vendor's id and name of it, where it stands (degrees), and its site."""

    connection: str
    vendor_id: str
    name: str | None
    latitude: float | None
    longitude: float | None
    site: str | None


class Cameras:
    """Lists cameras and names their sites: the agency's own word for a place that several cameras watch."""

    def __init__(self, store: Store, audit: Audit) -> None:
        self._store = store
        self._audit = audit

    def list(self) -> list[Standing]:
        """Every camera, by connection and the vendor's id."""
        accounts, cameras = tables.connections, tables.cameras
        columns = (cameras.c.vendor_id, cameras.c.name, cameras.c.latitude, cameras.c.longitude, cameras.c.site)
        asked = select(accounts.c.name, *columns).join(accounts, accounts.c.id == cameras.c.connection_id)
        with self._store.read() as connection:
            rows = connection.execute(asked.order_by(accounts.c.name, cameras.c.vendor_id)).all()
        return [Standing(*row) for row in rows]

    def set_site(self, actor: Actor, connection: str, vendor_id: str, site: str | None) -> None:
        """Say which site a camera belongs to, or that it belongs to none; raises `NotFound` and `Invalid`."""
        named = (site or "").strip() or None
        if named and (len(named) > LONGEST_SITE or not named.isprintable()):
            raise Invalid(f"site: at most {LONGEST_SITE} printable characters")
        accounts, cameras = tables.connections, tables.cameras
        with self._store.write() as session:
            camera = session.scalar(
                select(cameras.c.id)
                .join(accounts, accounts.c.id == cameras.c.connection_id)
                .where(accounts.c.name == connection, cameras.c.vendor_id == vendor_id)
            )
            if camera is None:
                raise NotFound(f"{connection} has no camera {vendor_id!r}")
            session.execute(update(cameras).where(cameras.c.id == camera).values(site=named))
            self._audit.record(
                actor, "cameras.site", "done", target=connection, within=session, camera=vendor_id, site=named
            )
