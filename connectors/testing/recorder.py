"""From what a vendor sent to a fixture that may be shown: `python -m connectors.testing.recorder KEY FILE --out …`.

Nothing is written that still holds an original, or of which the connector makes something else than before.
"""

import argparse
import re
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

import httpx
import msgspec

from connectors.contract import Connector, Document
from connectors.errors import RecordRejected, VendorChanged
from connectors.multipart import parts
from connectors.pictures import is_picture
from connectors.registry import UnknownConnector, connector
from connectors.testing.examples import outcomes
from connectors.testing.player import Exchange
from connectors.testing.scrub import LeftOver, Scrubber, tiny

_HEADERS: Final = ("content-type", "retry-after", "link")
"""Headers of an answer that a connector may go by; all others stay behind."""
_SECRET_PARAMETER: Final = re.compile(r"(?i)(key|token|secret|password|pass|sig|signature|auth|credential)$")


class Differs(Exception):
    """The connector makes something else of what was scrubbed; says of which record."""


def scrubbed(connector: Connector[Any], body: bytes, name: str, scrubber: Scrubber) -> bytes:
    """A captured body as a fixture, of which the connector makes the same reads and refusals, with fakes inside.

    Raises `LeftOver` where an original is left, and `Differs` where a record became another kind of thing.
    """
    document = Document(body, name=name)
    scrubber.learn(body, _plates(connector, document))
    clean = _multipart(document, scrubber) or scrubber.scrub(body)
    before, after = (_shape(outcomes(connector, each, name)) for each in (body, clean))
    if before != after:
        at = next((n for n, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), len(after))
        raise Differs(
            f"record {at + 1} of {len(before)} is no longer what it was; the original is at fault or a rule is"
        )
    return clean


def _plates(connector: Connector[Any], document: Document) -> Iterator[str]:
    """Every plate that the connector finds in a document."""
    try:
        for record in connector.unpack(document):
            try:
                read = connector.parse(record)
            except RecordRejected:
                continue
            yield read.plate_raw
            yield from (candidate.text for candidate in read.candidates)
    except VendorChanged:
        return


def _shape(entries: list[dict[str, Any]]) -> list[Any]:
    """What must stay: kinds, refusals, and which fields each read has."""
    return [
        {name: sorted(value) if isinstance(value, dict) else value for name, value in outcome.items()}
        for outcome in entries
    ]


def _multipart(document: Document, scrubber: Scrubber) -> bytes | None:
    """A multipart body part by part, since pictures lie between texts; None where it is none."""
    try:
        pieces = parts(document)
    except VendorChanged:
        return None
    if not pieces:
        return None
    for part in pieces:
        scrubber.learn(part.body)
    copy = bytearray()
    at = 0
    for part in pieces:
        start = document.body.index(b"\r\n\r\n", at) + 4
        if document.body[start : start + len(part.body)] != part.body:
            return None
        body = tiny(part.body) if is_picture(part.body) else scrubber.scrub(part.body)
        head = scrubber.scrub(document.body[at:start])
        copy += re.sub(rb"(?i)(content-length:\s*)\d+", rb"\g<1>%d" % len(body), head) + body
        at = start + len(part.body)
    return bytes(copy + document.body[at:])


def save(exchanges: Iterable[Exchange], path: Path, scrubber: Scrubber) -> None:
    """Write exchanges as a recording for the player, with fakes inside; the query's secrets are left out.

    Raises `LeftOver`, having written nothing, where an original is left, and `FileExistsError` where a file is there.
    """
    given = list(exchanges)
    for exchange in given:
        scrubber.learn(exchange.text.encode())
        scrubber.learn(
            f"{exchange.path}?{'&'.join(f'{name}={value}' for name, value in exchange.query.items())}".encode()
        )
    clean = [_clean(exchange, scrubber) for exchange in given]
    body = msgspec.json.format(msgspec.json.encode(clean), indent=1) + b"\n"
    scrubber.must_be_clean(body)
    _write(path, body)


def _clean(exchange: Exchange, scrubber: Scrubber) -> Exchange:
    def text(raw: str) -> str:
        return scrubber.scrub(raw.encode()).decode()

    # Of what is no text only pictures are known; anything else may hold anybody.
    body = b64decode(exchange.base64)
    packed = b64encode(tiny(body)).decode() if is_picture(body) else ""
    return Exchange(
        method=exchange.method,
        path=text(exchange.path),
        query={name: text(value) for name, value in exchange.query.items() if not _SECRET_PARAMETER.search(name)},
        status=exchange.status,
        headers={name: text(value) for name, value in exchange.headers.items()},
        text=text(exchange.text),
        base64=packed,
        file=exchange.file,
    )


@contextmanager
def taped() -> Iterator[list[Exchange]]:
    """Within it every answer of a vendor is noted, as it came: hand the list to `save`, and keep it nowhere else."""
    tape: list[Exchange] = []
    send = httpx.HTTPTransport.handle_request

    def noted(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        response = send(self, request)
        body = response.read()
        headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
        try:
            content = {"text": body.decode()}
        except UnicodeDecodeError:
            content = {"base64": b64encode(body).decode()}
        query = dict(request.url.params)
        tape.append(Exchange(request.method, request.url.path, query, response.status_code, headers, **content))
        return response

    with mock.patch.object(httpx.HTTPTransport, "handle_request", noted):
        yield tape


def _write(path: Path, body: bytes) -> None:
    with path.open("xb") as file:
        file.write(body)


def _lines(path: Path | None) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line] if path else []


def main(words: Sequence[str] | None = None) -> None:
    """Scrub one captured payload into a fixture; exits with the reason where it is refused.

    Whoever types a connector's key here lets it run, on this machine and for this once.
    """
    asked = argparse.ArgumentParser(prog="python -m connectors.testing.recorder", description=main.__doc__)
    asked.add_argument("key", help="the connector, as `alprhub connectors list` names it")
    asked.add_argument("file", type=Path, help="what the vendor sent: an answer, a pushed body, an export")
    asked.add_argument("--out", type=Path, required=True, help="the fixture to write; it must not be there yet")
    asked.add_argument("--secrets", type=Path, help="a file of secrets, one a line, that must not be in the fixture")
    asked.add_argument("--plates", type=Path, help="a file of plates, the same")
    options = asked.parse_args(words)
    try:
        instance = connector(options.key, (options.key,)).offline()
        clean = scrubbed(
            instance,
            options.file.read_bytes(),
            options.file.name,
            Scrubber(_lines(options.secrets), _lines(options.plates)),
        )
        _write(options.out, clean)
    except (LeftOver, Differs, UnknownConnector, ValueError) as refused:
        sys.exit(f"nothing was written: {refused}")
    except OSError as refused:
        sys.exit(f"nothing was written: {refused.filename}: {refused.strerror}")
    sys.stdout.write(f"{options.out}: read it before you show it; no rule knows every name\n")


if __name__ == "__main__":
    main()
