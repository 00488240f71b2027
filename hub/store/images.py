"""Pictures: a folder or an S3 bucket behind one small protocol.

Keys begin with the day the picture expires, so that what a crash left without a row can be found and removed.
"""

import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from connectors import durable
from hub.errors import NotFound

AT_ONCE: Final = 8
"""Pictures that are written together: each waits for its disk or bucket, and all wait hardly longer than one."""


class ImageStore(Protocol):
    """Keeps pictures by key. A picture comes whole and may come again; to delete a key that is missing is no error."""

    def put(self, key: str, data: bytes) -> None:
        """Keep the bytes under the key, durable on return; raises `OSError` where there is no room or no store."""

    def put_all(self, pictures: Collection[tuple[str, bytes]]) -> None:
        """Keep many, durable on return, in the time of a few; raises as `put`, and any of them may be there then."""

    def get(self, key: str) -> bytes:
        """The bytes of a key; raises `NotFound`."""

    def delete(self, *keys: str) -> None:
        """Remove keys, in every version the store keeps; on return none of them comes back."""

    def stored(self, prefix: str = "", until: str = "") -> Iterator[str]:
        """The keys that begin with a prefix, in order; with `until` no later than those that begin with that.

        Later keys are not looked at: looking for what is due costs no more than what is due.
        """


class FolderImages:
    """Pictures as files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, data: bytes) -> None:
        """Write beside, flush, rename: a reader sees all of the picture or none."""
        self.put_all([(key, data)])

    def put_all(self, pictures: Collection[tuple[str, bytes]]) -> None:
        """Write each as `put` does; what a folder's names cost is paid once for all that lie in it."""
        files = [(self._folder / key, data) for key, data in pictures]
        folders = sorted({path.parent for path, _ in files})
        for folder in folders:
            durable.make_folder(folder, 0o700)
        _together(durable.place, files)
        for folder in folders:
            durable.settle_folder(folder)

    def get(self, key: str) -> bytes:
        """The bytes of a key; raises `NotFound`."""
        try:
            return (self._folder / key).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"no picture {key}") from None

    def delete(self, *keys: str) -> None:
        """Remove the files, and their folders once they are empty."""
        paths = [self._folder / key for key in keys]
        durable.remove(paths)
        for path in paths:
            for folder in path.parents:
                if folder == self._folder:
                    break
                try:
                    folder.rmdir()
                except OSError:
                    break

    def stored(self, prefix: str = "", until: str = "") -> Iterator[str]:
        """The keys that begin with a prefix, in order, up to `until`; one folder at a time is listed."""
        return self._below("", prefix, until)

    def _below(self, at: str, prefix: str, until: str) -> Iterator[str]:
        try:
            with os.scandir(self._folder / at) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except FileNotFoundError:  # its last picture was removed while others were looked at
            return
        for entry in entries:
            key = f"{at}{entry.name}"
            if key[: len(until)] > until[: len(key)]:
                return
            if entry.is_dir(follow_symlinks=False):
                if f"{key}/".startswith(prefix) or prefix.startswith(f"{key}/"):
                    yield from self._below(f"{key}/", prefix, until)
            elif key.startswith(prefix) and entry.is_file():
                yield key


class S3Images:
    """Pictures as objects of a bucket; deletes every version, because a version is a copy."""

    def __init__(self, bucket: str, prefix: str, endpoint: str | None = None) -> None:
        import boto3

        self._bucket = bucket
        self._endpoint = endpoint
        with self._translated():
            self._client: Any = boto3.client("s3", endpoint_url=endpoint)
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def put(self, key: str, data: bytes) -> None:
        """Write the object."""
        with self._translated():
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data)

    def put_all(self, pictures: Collection[tuple[str, bytes]]) -> None:
        """Write the objects, some at a time."""
        _together(self.put, pictures)

    def get(self, key: str) -> bytes:
        """The bytes of a key; raises `NotFound`."""
        with self._translated():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            except self._client.exceptions.NoSuchKey:
                raise NotFound("the picture is not in the store any more") from None
            return answer["Body"].read()  # type: ignore[no-any-return]

    def delete(self, *keys: str) -> None:
        """Remove the objects and all their versions and delete markers."""
        for key in keys:
            self._delete(key)

    def _delete(self, key: str) -> None:
        full = self._prefix + key
        with self._translated():
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=full)
            versions = [
                {"Key": full, "VersionId": version["VersionId"]}
                for page in pages
                for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
                if version["Key"] == full
            ]
            if versions:
                self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": versions, "Quiet": True})

    def stored(self, prefix: str = "", until: str = "") -> Iterator[str]:
        """The keys that begin with a prefix, in order, up to `until`; the bucket is asked for a thousand at a time."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        with self._translated():
            for page in pages:
                for item in page.get("Contents", ()):
                    key = item["Key"].removeprefix(self._prefix)
                    if key[: len(until)] > until:
                        return
                    yield key

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what the bucket refuses into an `OSError` that says it in words."""
        from botocore.exceptions import BotoCoreError, ClientError

        from connectors.bucket_words import refusal

        try:
            yield
        except (BotoCoreError, ClientError, ValueError) as failed:
            raise OSError(f"pictures: {refusal(failed, self._bucket, self._endpoint)}") from None


def _together(keep: Callable[[Any, bytes], None], pictures: Collection[tuple[Any, bytes]]) -> None:
    if len(pictures) == 1:
        for picture in pictures:
            keep(*picture)
        return
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda picture: keep(*picture), pictures):
            pass


def open_images(where: str, endpoint: str | None = None) -> ImageStore:
    """The picture store of `s3://bucket/prefix` or of a folder."""
    parts = urlsplit(where)
    if parts.scheme == "s3":
        return S3Images(parts.netloc, parts.path, endpoint)
    return FolderImages(Path(where))
