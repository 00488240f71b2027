"""A data folder knows which kind of database its hub has, and that of another hub is refused beside it."""

import json
import os
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.belonging import refuse_unset
from hub.doctor.doctor import examine
from hub.errors import AdminMustAct
from hub.migrating import opened
from hub.settings import HubSettings
from hub.wiring import open_hub


def _note(data: Path, hub: int, database: str) -> None:
    data.mkdir(exist_ok=True)
    (data / "hub.json").write_text(json.dumps({"database": database, "hub": hub}))


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a living hub on PostgreSQL, in a shell that does not have its address."""
    for name in [name for name in os.environ if name.startswith("ALPRHUB_")]:
        monkeypatch.delenv(name)
    data = tmp_path / "hub"
    monkeypatch.setenv("ALPRHUB_DATA", str(data))
    _note(data, 7, "postgresql")
    (data / "secret.key").write_bytes(b"k" * 32)
    return data


def test_a_hub_notes_its_kind_of_database_and_its_number_once(settings: HubSettings) -> None:
    with open_hub(settings) as hub:
        kind = hub.store.url.get_backend_name()
    said = (settings.data / "hub.json").read_text()
    assert json.loads(said)["database"] == kind
    with open_hub(settings):
        pass
    assert (settings.data / "hub.json").read_text() == said


def test_where_the_address_of_postgresql_is_not_set_only_that_is_said(bare: Path) -> None:
    with pytest.raises(AdminMustAct) as refused, open_hub():
        pass
    assert "is on PostgreSQL" in str(refused.value)
    assert "ALPRHUB_DATABASE_URL is not set here" in str(refused.value)
    assert "remove" not in str(refused.value)
    with pytest.raises(AdminMustAct, match="ALPRHUB_DATABASE_URL is not set here"), opened():
        pass
    told = [found.said for found in examine(HubSettings())]
    assert any("ALPRHUB_DATABASE_URL is not set here" in sentence for sentence in told)
    assert not any("missing or empty" in sentence for sentence in told)
    assert sorted(path.name for path in bare.iterdir()) == ["hub.json", "secret.key"]


def test_the_folder_of_a_version_that_noted_nothing_is_told_of_postgresql_first(bare: Path) -> None:
    (bare / "hub.json").unlink()
    with (
        pytest.raises(AdminMustAct, match=r"^if this hub is on PostgreSQL"),
        open_hub(),
    ):
        pass


def test_the_database_of_another_hub_is_refused_and_nothing_is_written(settings: HubSettings) -> None:
    with open_hub(settings) as hub:
        kind = hub.store.url.get_backend_name()
        number = json.loads((settings.data / "hub.json").read_text())["hub"]
    _note(settings.data, number + 1, kind)
    before = (settings.data / "hub.json").read_text()
    with pytest.raises(AdminMustAct, match=r"is of another hub than the folder .*: nothing was opened"):
        open_hub(settings).__enter__()
    with pytest.raises(AdminMustAct, match="is of another hub than the folder"):
        opened(settings).__enter__()
    assert any("of another hub than the folder" in found.said for found in examine(settings))
    assert (settings.data / "hub.json").read_text() == before
    (settings.data / "hub.json").unlink()
    with open_hub(settings):
        assert json.loads((settings.data / "hub.json").read_text())["hub"] == number


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b'{"database": "sqlite"}', b"\xff"])
def test_a_note_that_cannot_be_read_refuses_nothing_and_is_written_anew(settings: HubSettings, said: bytes) -> None:
    settings.data.mkdir(exist_ok=True)
    (settings.data / "hub.json").write_bytes(said)
    refuse_unset(settings)
    with open_hub(settings):
        assert json.loads((settings.data / "hub.json").read_text())["hub"] > 0


def test_a_database_of_a_version_without_numbers_takes_that_of_its_folder(settings: HubSettings) -> None:
    with open_hub(settings) as hub, hub.store.write() as connection:
        number = json.loads((settings.data / "hub.json").read_text())["hub"]
        connection.execute(text("DELETE FROM counters WHERE name = 'hub'"))
    with open_hub(settings) as hub, hub.store.read() as connection:
        assert connection.scalar(text("SELECT value FROM counters WHERE name = 'hub'")) == number
