"""`Cameras`: the cameras that reads came from, and the sites that an admin gathers them to."""

from dataclasses import dataclass

from sqlalchemy import select, update

from hub.audit.actions import Act, Outcome
from hub.audit.record import Audit
from hub.errors import Invalid, NotFound
from hub.people import Actor
from hub.store import tables
from hub.store.engine import Store

LONGEST_SITE = 100


@dataclass(frozen=True, slots=True)
class ListedCamera:
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

    def list(self) -> list[ListedCamera]:
        """Every camera, by connection and the vendor's id."""
        accounts, cameras = tables.connections, tables.cameras
        columns = (cameras.c.vendor_id, cameras.c.name, cameras.c.latitude, cameras.c.longitude, cameras.c.site)
        query = select(accounts.c.name, *columns).join(accounts, accounts.c.id == cameras.c.connection_id)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(accounts.c.name, cameras.c.vendor_id)).all()
        return [ListedCamera(*row) for row in rows]

    def set_site(self, actor: Actor, connection: str, camera: str, site: str | None) -> ListedCamera:
        """Say which site a camera belongs to, or that it belongs to none; gives the camera as it is now.

        `camera` is the vendor's id of it, or its name where only one camera of the connection is called so. Raises
        `NotFound`, and `Invalid` naming the field.
        """
        named = (site or "").strip() or None
        if named and (len(named) > LONGEST_SITE or not named.isprintable()):
            raise Invalid(f"site: at most {LONGEST_SITE} printable characters")
        accounts, cameras = tables.connections, tables.cameras
        with self._store.write() as session:
            rows = session.execute(
                select(cameras)
                .join(accounts, accounts.c.id == cameras.c.connection_id)
                .where(accounts.c.name == connection, (cameras.c.vendor_id == camera) | (cameras.c.name == camera))
            ).all()
            meant = [row for row in rows if row.vendor_id == camera] or rows
            if not meant:
                raise NotFound(
                    f"{connection} has no camera {camera!r}; alprhub cameras list shows those that there are"
                )
            if len(meant) > 1:
                ids = ", ".join(sorted(row.vendor_id for row in meant))
                raise Invalid(f"camera: {len(meant)} of {connection} are called {camera!r}; say which by its id: {ids}")
            row = meant[0]
            session.execute(update(cameras).where(cameras.c.id == row.id).values(site=named))
            self._audit.record(
                actor,
                Act.CAMERAS_SITE,
                Outcome.DONE,
                target=connection,
                within=session,
                camera=row.vendor_id,
                site=named,
            )
        return ListedCamera(connection, row.vendor_id, row.name, row.latitude, row.longitude, named)
