"""Pictures: a folder or an S3 bucket behind one small protocol.

Keys begin with the day the picture expires, so that what a crash left without a row can be found and removed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any, Protocol
from urllib.parse import urlsplit

from hub.errors import NotFound


class ImageStore(Protocol):
    """Keeps pictures by key. `put` is atomic and may be repeated; `delete` of a missing key is no error."""

    def put(self, key: str, data: bytes) -> None:
        """Keep the bytes under the key, durable on return; raises `OSError` where there is no room or no store."""

    def get(self, key: str) -> bytes:
        """The bytes of a key; raises `NotFound`."""

    def delete(self, key: str) -> None:
        """Remove a key, in every version the store keeps."""

    def stored(self, prefix: str = "", until: str = "") -> Iterator[str]:
        """The keys that begin with a prefix, in order; with `until` no later than those that begin with that.

        What is later is not looked at, so that to look for what is due costs what is due.
        """


class FolderImages:
    """Pictures as files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, data: bytes) -> None:
        """Write beside, flush, rename: a reader sees all of the picture or none."""
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_suffix(f".{os.getpid()}-{get_ident()}.partial")
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def get(self, key: str) -> bytes:
        """The bytes of a key; raises `NotFound`."""
        try:
            return (self._folder / key).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"no picture {key}") from None

    def delete(self, key: str) -> None:
        """Remove the file, and its folders once they are empty."""
        path = self._folder / key
        path.unlink(missing_ok=True)
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
        with self._told():
            self._client: Any = boto3.client("s3", endpoint_url=endpoint)
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def put(self, key: str, data: bytes) -> None:
        """Write the object."""
        with self._told():
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data)

    def get(self, key: str) -> bytes:
        """The bytes of a key; raises `NotFound`."""
        with self._told():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            except self._client.exceptions.NoSuchKey:
                raise NotFound("the picture is not in the store any more") from None
            return answer["Body"].read()  # type: ignore[no-any-return]

    def delete(self, key: str) -> None:
        """Remove the object and all its versions and delete markers."""
        full = self._prefix + key
        with self._told():
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
        with self._told():
            for page in pages:
                for item in page.get("Contents", ()):
                    key = item["Key"].removeprefix(self._prefix)
                    if key[: len(until)] > until:
                        return
                    yield key

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the bucket refuses into an `OSError` that says it in words."""
        from botocore.exceptions import BotoCoreError, ClientError

        from connectors.bucket_words import refusal

        try:
            yield
        except (BotoCoreError, ClientError, ValueError) as failed:
            raise OSError(f"pictures: {refusal(failed, self._bucket, self._endpoint)}") from None


def open_images(where: str, endpoint: str | None = None) -> ImageStore:
    """The picture store of `s3://bucket/prefix` or of a folder."""
    parts = urlsplit(where)
    if parts.scheme == "s3":
        return S3Images(parts.netloc, parts.path, endpoint)
    return FolderImages(Path(where))
