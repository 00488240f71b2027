"""The pictures that come with a page's reads: where their files lie, and the rows that tell of them."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from hub.store.engine import Store
from hub.store.images import ImageStore
from hub.store.instant import to_micros
from hub.store.ledger import known
from hub.store.page import Accepted, PageToSave
from normalize.read import ImageRef


def picture_keys(page: PageToSave) -> set[str]:
    """The keys of the pictures that come with a page's reads, whether a hit needs them or not."""
    return {
        key
        for item in page.accepted
        for life in (item, item if item.needed is None else item.lasting(item.needed))
        for key in keys_of(page.connection_id, life)
    }


def keys_of(connection_id: int, item: Accepted) -> list[str]:
    """The keys of the pictures that come with a read, under the life that it has."""
    return [
        image_key(connection_id, item, place) for place, image in enumerate(item.read.images) if image.data is not None
    ]


def image_key(connection_id: int, item: Accepted, index: int) -> str:
    """The key of a read's picture: day of expiry / connection / a digest of the read's id, number and kind."""
    digest = sha256(f"{connection_id}\n{item.read.vendor_read_id}\n{index}".encode()).hexdigest()[:32]
    return f"{item.expires_at:%Y/%m/%d}/{connection_id}/{digest}-{item.read.images[index].kind}.jpg"


def keep_pictures(store: Store, images: ImageStore, connection_id: int, items: Mapping[str, Accepted]) -> list[str]:
    """Write the pictures that came with reads which are not kept yet; gives their keys.

    Pictures before rows: a file without a row is swept up later, a row without its file would be a lie. The key follows
    from the read, so a second attempt writes the same file.
    """
    with_data = {
        key: item for key, item in items.items() if item.read.images and any(image.data for image in item.read.images)
    }
    if not with_data:
        return []
    with store.read() as connection:
        there = known(store, connection, connection_id, list(with_data))
    wanted = [
        (image_key(connection_id, item, index), image.data)
        for key, item in with_data.items()
        if key not in there
        for index, image in enumerate(item.read.images)
        if image.data is not None
    ]
    images.put_all(wanted)
    return [key for key, _ in wanted]


def picture_row(read_id: int, key: str, image: ImageRef) -> dict[str, Any]:
    """The row of a picture that came (`stored`), or whose address did (`wanted`)."""
    data = image.data
    return {
        "read_id": read_id,
        "kind": image.kind.value,
        "key": key,
        "state": "wanted" if data is None else "stored",
        "url": image.url if data is None else None,
        "url_expires_at": to_micros(image.expires_at) if image.expires_at else None,
        "bytes": len(data) if data is not None else None,
        "sha256": sha256(data).digest() if data is not None else None,
    }
