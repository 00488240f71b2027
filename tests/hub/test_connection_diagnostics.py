"""A bundle for whoever helps: all that is needed, and neither a plate nor a secret in it."""

import io
import json
import zipfile
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from plain import PlainConnector, record, write_page

import hub
from connectors.errors import TryAgain
from hub.errors import NotFound
from hub.hotlists.lists import NewEntry
from hub.people import Actor
from hub.wiring import Hub

AT = "2026-06-01T11:00:00Z"
PLATES = ("9SYN001", "VANITY", "9SYN777", "SYN-55A")
SECRET = "MARKED SECRET/of the feed"
BASIC = b64encode(f"hub:{SECRET}".encode()).decode()

VERSIONS = Path(hub.__file__).parent / "store" / "migrations" / "versions"


@pytest.fixture
def troubled(opened: Hub, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The bundle of a connection in whose texts people and a vendor wrote plates and the secret itself."""
    folder = tmp_path / "feed"
    opened.connections.accounts.add(actor, "feed", "plain", {"folder": str(folder), "api_key": SECRET}, check=False)
    write_page(folder, 1, [record(1, PLATES[0], AT), record(2, PLATES[1], AT), {"id": "b1"}, {"id": "b2"}])
    opened.ingest.sync.run(actor, "feed")
    opened.hotlists.lists.load(actor, "wanted", [NewEntry(PLATES[2], "stolen", "26-1", "US-CA")])
    said = (
        f"the vendor is down over {PLATES[0]}, vanity, {PLATES[2]} and {PLATES[3]}, 8xyz555 with the key {SECRET}"
        f" as {BASIC}"
    )

    def fail(self: Any, window: Any) -> Any:
        raise TryAgain(said)

    monkeypatch.setattr(PlainConnector, "pull", fail)
    with pytest.raises(TryAgain):
        opened.ingest.sync.run(actor, "feed")
    opened.connections.accounts.pause(
        actor, "feed", f"somebody searched {PLATES[0]} at https://who:{SECRET}@vendor.example/a"
    )
    body = opened.connections.diagnostics.bundle(actor, "feed")
    with zipfile.ZipFile(io.BytesIO(body)) as bundle:
        return {name: bundle.read(name).decode() for name in bundle.namelist()}


def test_neither_a_plate_nor_a_secret_is_in_it(troubled: dict[str, str]) -> None:
    whole = "\n".join(troubled.values())
    for marked in (*PLATES, "vanity", "8xyz555", SECRET, "MARKED", "who:", BASIC[10:20]):
        assert marked not in whole
    assert "the vendor is down over ***" in troubled["runs.json"]
    assert "somebody searched ***" in troubled["connection.json"]


def test_it_tells_what_is_needed_to_help(opened: Hub, troubled: dict[str, str]) -> None:
    told = {name: json.loads(body) for name, body in troubled.items()}
    assert set(told) == {
        "versions.json", "connection.json", "connector.json", "health.json", "runs.json", "quarantine.json",
    }  # fmt: skip
    assert told["versions.json"]["schema"] == max(file.name[:4] for file in VERSIONS.glob("0*.py"))
    assert told["versions.json"]["packages"]["pydantic"]
    assert told["connection.json"]["settings"]["api_key"] == "***"
    assert told["connection.json"]["settings"]["folder"].endswith("feed")
    assert told["connector.json"]["key"] == "plain"
    assert told["health.json"]["status"] == "paused"
    assert [run["outcome"] for run in told["runs.json"]] == ["TryAgain", "done"]
    assert [(one["count"], bool(one["field"])) for one in told["quarantine.json"]] == [(2, True)]


def test_it_is_on_record_and_only_for_connections_that_there_are(
    opened: Hub, actor: Actor, troubled: dict[str, str]
) -> None:
    assert opened.audit.events(1)[0]["action"] == "connections.diagnostics"
    with pytest.raises(NotFound, match="nobody"):
        opened.connections.diagnostics.bundle(actor, "nobody")
