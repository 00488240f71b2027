"""`Bucket`: a place at Amazon's storage, or at one that speaks its language."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Timer
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ResponseStreamingError
from urllib3.exceptions import HTTPError

from connectors.bucket_words import refusal
from connectors.errors import TryAgain
from connectors.places.place import Access, BrokenOff, File, by_name, capped, hidden, plain

_STEP: Final = 1 << 16


class Bucket:
    """A prefix in a bucket, and one level below it."""

    def __init__(self, bucket: str, prefix: str, access: Access, at_most: timedelta) -> None:
        self._bucket = bucket
        self._at_most = at_most
        self._prefix = f"{prefix}/" if prefix else ""
        self._endpoint = access.endpoint_url
        # One more try than none: the hub's own back-off does the rest.
        config = Config(retries={"max_attempts": 2, "mode": "standard"}, connect_timeout=10, read_timeout=60)
        try:
            # A session of its own: the shared one must not be used by two threads.
            self._client: Any = boto3.session.Session().client(
                "s3",
                endpoint_url=access.endpoint_url,
                aws_access_key_id=access.key_id,
                aws_secret_access_key=access.secret,
                config=config,
            )
        except (BotoCoreError, ValueError) as failed:
            raise refusal(failed, bucket, access.endpoint_url) from None
        endpoint = self._client._endpoint
        endpoint.http_session = _Hurried(endpoint.http_session, at_most)

    def files(self, folder: str) -> list[File]:
        prefix = f"{self._prefix}{folder}/"
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        listed = self._answer(lambda: [item for page in pages for item in page.get("Contents", ())])
        files = [File(item["Key"].removeprefix(prefix), item["Size"], item["LastModified"]) for item in listed]
        return sorted(
            (file for file in files if file.name and "/" not in file.name and not hidden(file.name)), key=by_name
        )

    def read(self, folder: str, name: str, most: int) -> bytes:
        key = f"{self._prefix}{folder}/{plain(name)}"

        def ask() -> bytes:
            answered = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
            body = bytearray()
            with _in_time(answered._raw_stream, self._at_most):
                while len(body) <= most and (piece := answered.read(_STEP)):
                    body += piece
            return bytes(body)

        return capped(self._answer(ask), most, name)

    def write(self, folder: str, name: str, data: bytes) -> None:
        key = f"{self._prefix}{folder}/{plain(name)}"
        self._answer(lambda: self._client.put_object(Bucket=self._bucket, Key=key, Body=data))

    def close(self) -> None:
        """Give back the connections to the storage."""
        self._client.close()

    def _answer(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except (ClientError, BotoCoreError) as failed:
            refused = refusal(failed, self._bucket, self._endpoint)
            if isinstance(failed, BotoCoreError) and isinstance(refused, TryAgain):
                raise BrokenOff(str(refused)) from None
            raise refused from None


class _Hurried:
    """The library's own way to the storage, for which an answer that is read whole has so much time."""

    def __init__(self, inner: Any, at_most: timedelta) -> None:
        self._inner = inner
        self._at_most = at_most

    def send(self, request: Any) -> Any:
        """The answer; one that is no file with its content, which the library would else wait for without end."""
        if request.stream_output:
            return self._inner.send(request)
        request.stream_output = True
        try:
            answered = self._inner.send(request)
        finally:
            request.stream_output = False
        try:
            with _in_time(answered.raw, self._at_most):
                _ = answered.content  # read now, and kept there
        except HTTPError as broken:
            raise ResponseStreamingError(error=broken) from None
        return answered

    def close(self) -> None:
        """Give back its connections."""
        self._inner.close()


@contextmanager
def _in_time(raw: Any, at_most: timedelta) -> Iterator[None]:
    """Break an answer off that is still being read after so long."""
    clock = Timer(at_most.total_seconds(), getattr(raw, "shutdown", lambda: None))
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()
