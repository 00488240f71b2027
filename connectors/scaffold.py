"""`python -m connectors.scaffold KEY`: the files of a new vendor module, as an example that works and is not true."""

import re
import sys
from importlib.metadata import entry_points
from keyword import iskeyword
from pathlib import Path
from typing import Final

from connectors.registry import GROUP, builtins

ROOT: Final = Path(__file__).parents[1]

_MODULE: Final = '''"""@NAME@: an EXAMPLE with one JSON address. Replace every line by what the vendor documents."""

from collections.abc import Iterator

import msgspec
from pydantic import Field, SecretStr

from connectors import contract
from connectors.auth import QueryKey
from connectors.contract import Connector, Document, Page, Record, Window
from connectors.fields import elements, slices
from connectors.http import Http
from connectors.paging import by_cursor
from normalize.origin import origin
from normalize.read import Camera, Read
from normalize.times import from_iso


class @CLASS@Settings(contract.Settings):
    """What an admin gets from @NAME@."""

    base_url: str = Field(title="Address", description="Root of the interface.")
    api_key: SecretStr = Field(title="API key", description="From the vendor; it travels in the query.")


class _Answer(msgspec.Struct):
    reads: list[msgspec.Raw]
    next: str | None = None


class @CLASS@Connector(Connector[@CLASS@Settings]):
    """@NAME@, as an example."""

    info = contract.Info(
        key="@KEY@",
        name="@NAME@",
        company="@NAME@",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="@KEY@",
        known_limits=("An example: nothing in it is known to be true of @NAME@.",),
    )
    Settings = @CLASS@Settings

    def __init__(self, settings: @CLASS@Settings, frame: contract.Frame) -> None:
        super().__init__(settings, frame)
        key = QueryKey("key", settings.api_key)
        self._http = self.closing(Http(settings.base_url, frame, auth=key, limits=self.info.limits))

    def check(self) -> str:
        """Asks for one read; raises `AdminMustFix` where the key does not open it."""
        self._page({"limit": "1"})
        return "@NAME@ took the key."

    def _page(self, params: dict[str, str]) -> _Answer:
        return self._http.get("/reads", params=params).shaped(_Answer)

    def pull(self, window: Window) -> Iterator[Page]:
        """Every read of the window, page by page; only the last page claims that the window is done."""
        asked = {"since": window.since.isoformat(), "until": window.until.isoformat()}
        for answer in by_cursor(self._page(asked), lambda told: told.next, lambda at: self._page({"cursor": at})):
            yield Page([Record("read", bytes(raw)) for raw in answer.reads])
        yield Page([], {"until": asked["until"]})

    def unpack(self, document: Document) -> list[Record]:
        """The reads of an answer, or of a bare list; raises `VendorChanged` where it is neither."""
        parts = slices(document.body)
        listed = parts.get("reads", document.body) if isinstance(parts, dict) else document.body
        return [Record("read", raw) for raw in elements(listed)]

    def read_of(self, record: Record) -> Read:
        """Pure: every field by the getter of its type, nothing from outside."""
        fields = record.fields()
        at = from_iso(fields.text("captured_at"), field="captured_at")
        place = origin(fields.text_or_none("state"))
        return Read(
            vendor_read_id=fields.ident("id"),
            plate_raw=fields.text("plate"),
            state=place.state,
            country=place.country,
            captured_at=at.at,
            zone=at.zone,
            camera=Camera(id=fields.ident("camera.id"), name=fields.text_or_none("camera.name")),
        )
'''

_FIXTURE: Final = """{"next": null, "reads": [{"id": "example-1", "plate": "9SYN 042", "state": "CA",
  "captured_at": "2026-06-01T08:15:02.250Z", "camera": {"id": 7, "name": "Pier Ave"}}]}
"""

_PAGE: Final = """# @NAME@

Connector key `@KEY@`. Evidence: documents. AN EXAMPLE: say what to ask the vendor for, what works, what does not, and
whether each fact is documented (**D**), seen in public code (**S**) or assumed (**A**).

| Setting | Key | Default | Meaning |
|---|---|---|---|
| Address | `base_url` | required | Root of the interface. |
| API key | `api_key` | required | From the vendor; it travels in the query. |
"""

_WIRE: Final = '''"""@NAME@'s wire, played from exchanges made by hand. Replace them by what the vendor documents."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import Window
from connectors.errors import AdminMustFix
from connectors.testing import frame_at
from connectors.testing.player import Exchange, played
from connectors.vendors import @KEY@

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
API_KEY = "opens-nothing"


def _at_work() -> @KEY@.@CLASS@Connector:
    given = {"base_url": "https://vendor.example", "api_key": API_KEY}
    told = @KEY@.@CLASS@Settings.model_validate(given)
    return @KEY@.@CLASS@Connector(told, frame_at(NOW))


def test_a_window_comes_page_by_page() -> None:
    pages = (
        Exchange("GET", "/reads", {"key": API_KEY}, text='{"reads": [{"id": 1}], "next": "c2"}'),
        Exchange("GET", "/reads", {"cursor": "c2"}, text='{"reads": [{"id": 2}, {"id": 3}], "next": null}'),
    )
    with played(*pages):
        found = list(_at_work().pull(Window(NOW - timedelta(hours=1), NOW)))
    assert [json.loads(record.payload)["id"] for page in found for record in page.records] == [1, 2, 3]
    assert [page.checkpoint for page in found] == [None, None, {"until": NOW.isoformat()}]


def test_a_key_that_opens_is_told_from_one_that_does_not() -> None:
    with played(Exchange("GET", "/reads", text='{"reads": []}')):
        assert _at_work().check()
    with played(Exchange("GET", "/reads", status=401)), pytest.raises(AdminMustFix) as refused:
        _at_work().check()
    assert API_KEY not in str(refused.value)
'''


def scaffold(key: str, root: Path = ROOT) -> list[Path]:
    """Write module, fixture, page and wire tests of a new connector below `root`, a checkout; give them in that order.

    Raises `ValueError`, having written nothing, for a key that cannot be one, is taken, or whose files are there.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,23}", key) or iskeyword(key):
        raise ValueError(f"{key!r}: a key is 2 to 24 small letters, digits and underscores, and no word of Python's")
    if key in builtins() or key in entry_points(group=GROUP).names:
        raise ValueError(f"{key!r}: there is a connector of that key already")
    modules, tests, docs = (root / top / "vendors" for top in ("connectors", "tests", "docs"))
    if not (modules.is_dir() and tests.is_dir() and docs.is_dir()):
        raise ValueError(f"{root}: is no checkout of this project")
    module, fixture, page = modules / f"{key}.py", tests / key / "reads.json", docs / f"{key}.md"
    wire = tests / f"test_{key}_wire.py"
    if taken := next((path for path in (module, fixture.parent, page, wire) if path.exists()), None):
        raise ValueError(f"{taken}: is there already")
    fixture.parent.mkdir()
    name, texts = key.replace("_", " ").title(), {module: _MODULE, fixture: _FIXTURE, page: _PAGE, wire: _WIRE}
    for path, text in texts.items():
        filled = text.replace("@KEY@", key).replace("@NAME@", name).replace("@CLASS@", name.replace(" ", ""))
        path.write_text(filled, encoding="utf-8")
    return list(texts)


def main(key: str = "") -> None:
    """Scaffold a key and say what to do next; exits with the reason where it is refused."""
    try:
        module, fixture, page, wire = (path.relative_to(ROOT) for path in scaffold(key))
    except ValueError as refused:
        sys.exit(str(refused))
    sys.stdout.write(
        f"{module} is an example that runs; let it speak what the vendor documents, and say how you know:\n"
        f"{page}. Put what the vendor sends beside {fixture},\n"
        f"and its answers into {wire}; docs/connector-guide.md tells how.\n"
        f"try it:   alprhub connectors parse {key} {fixture}\n"
        f"prove it: make test ARGS='-k {key}'; the first run writes what each fixture gives, for you to judge\n"
    )


if __name__ == "__main__":
    main(*sys.argv[1:2])
