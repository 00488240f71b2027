"""`make new-connector KEY=acme`: what it writes works at once, and it never writes over anything."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import respx

from connectors import scaffold as module
from connectors.contract import Connector, Document, Frame, PullsReads, Window, abilities
from connectors.errors import AdminMustFix, VendorChanged
from connectors.scaffold import main, scaffold

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The folders of a checkout, and nothing in them."""
    for top in ("connectors", "tests", "docs"):
        (tmp_path / top / "vendors").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def acme(checkout: Path) -> Iterator[type[Connector[Any]]]:
    """The connector that a new key gives, imported."""
    path, *_ = scaffold("acme_cams", checkout)
    spec = importlib.util.spec_from_file_location("scaffolded_acme_cams", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made  # msgspec looks up annotations there
    spec.loader.exec_module(made)
    yield made.AcmeCamsConnector
    del sys.modules[spec.name]


class _Clock:
    def now(self) -> datetime:
        return NOW


def _at_work(kind: type[Connector[Any]]) -> Any:
    told = kind.Settings(base_url="https://acme.example", api_key="s3cret-of-acme")  # type: ignore[call-arg]
    return kind(told, Frame(_Clock(), lambda _: None))


def test_it_writes_a_module_a_fixture_a_page_and_wire_tests_and_nothing_else(checkout: Path) -> None:
    written = scaffold("acme", checkout)
    assert [path.relative_to(checkout).as_posix() for path in written] == [
        "connectors/vendors/acme.py",
        "tests/vendors/acme/reads.json",
        "docs/vendors/acme.md",
        "tests/vendors/test_acme_wire.py",
    ]
    assert sorted(path for path in checkout.rglob("*") if path.is_file()) == sorted(written)
    assert not [path for path in written if "@" in path.read_text()]


def test_the_example_says_that_it_is_one(acme: type[Connector[Any]]) -> None:
    assert acme.info.key == "acme_cams"
    assert acme.info.name == "Acme Cams"
    assert acme.info.evidence == "documents"
    assert "example" in acme.info.known_limits[0].lower()
    assert all(field.title and field.description for field in acme.Settings.model_fields.values())


def test_the_fixture_gives_a_read(acme: type[Connector[Any]], checkout: Path) -> None:
    body = (checkout / "tests/vendors/acme_cams/reads.json").read_bytes()
    made = acme.offline()
    (read,) = [made.parse(record) for record in made.unpack(Document(body))]
    assert (read.plate, read.plate_state, read.camera.id) == ("9SYN042", "US-CA", "7")
    with pytest.raises(VendorChanged):
        list(made.unpack(Document(b'{"message": "hello"}')))


@respx.mock(assert_all_called=True)
def test_the_example_pulls_a_window_page_by_page(respx_mock: respx.MockRouter, acme: type[Connector[Any]]) -> None:
    pages = {None: {"reads": [{"id": 1}], "next": "c2"}, "c2": {"reads": [{"id": 2}, {"id": 3}], "next": None}}
    route = respx_mock.get("https://acme.example/reads").mock(
        side_effect=lambda request: respx.MockResponse(200, json=pages[request.url.params.get("cursor")])
    )
    made = _at_work(acme)
    assert isinstance(made, PullsReads)
    assert abilities(acme) == ("pulls_reads",)
    found = list(made.pull(Window(NOW - timedelta(hours=1), NOW)))
    assert [json.loads(record.payload)["id"] for page in found for record in page.records] == [1, 2, 3]
    assert [page.checkpoint for page in found] == [None, None, {"until": NOW.isoformat()}]
    assert route.calls[0].request.url.params["since"] == "2026-06-01T11:00:00+00:00"
    assert all(call.request.url.params["key"] == "s3cret-of-acme" for call in route.calls)


@respx.mock(assert_all_called=True)
def test_the_example_checks_its_key(respx_mock: respx.MockRouter, acme: type[Connector[Any]]) -> None:
    route = respx_mock.get("https://acme.example/reads").respond(200, json={"reads": []})
    assert _at_work(acme).check() == "Acme Cams took the key."
    route.respond(401)
    with pytest.raises(AdminMustFix) as refused:
        _at_work(acme).check()
    assert "s3cret-of-acme" not in str(refused.value)


def test_the_page_tells_every_setting(acme: type[Connector[Any]], checkout: Path) -> None:
    page = (checkout / "docs/vendors/acme_cams.md").read_text()
    assert [name for name in acme.Settings.model_fields if f"`{name}`" not in page] == []


@pytest.mark.slow
def test_what_it_writes_passes_the_contract_and_its_own_wire_tests(checkout: Path) -> None:
    written, _, page, wire = scaffold("acme", checkout)
    (checkout / "test_acme.py").write_text(
        "from pathlib import Path\n"
        "import connectors.vendors\n"
        "connectors.vendors.__path__.append(str(Path(__file__).parent / 'connectors' / 'vendors'))\n"
        "from connectors.registry import connector\n"
        "from connectors.testing import contract\n"
        f"TestAcme = contract(connector('acme'), Path({str(written.parents[2])!r}) / 'tests' / 'vendors' / 'acme',"
        f" key='acme', page=Path({str(page)!r}))\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_acme.py", str(wire)]
    first, second = (
        subprocess.run([*command, *more], check=False, capture_output=True, text=True, cwd=checkout)
        for more in (["-k", "reviewed"], [])
    )
    assert "1 failed" in first.stdout
    assert "was written just now" in first.stdout
    assert second.returncode == 0, second.stdout
    read = json.loads((checkout / "tests/vendors/acme/reads.reads.json").read_text())[0]["read"]
    assert (read["plate"], read["plate_state"]) == ("9SYN042", "US-CA")


@pytest.mark.parametrize("key", ["ab", "a" * 11 + "_" + "b" * 12])
def test_what_it_writes_keeps_the_rules_of_the_house(checkout: Path, key: str) -> None:
    code = [str(path) for path in scaffold(key, checkout) if path.suffix == ".py"]
    rules = ["--config", str(module.ROOT / "pyproject.toml"), "--no-cache", *code]
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *rules], check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "key",
    ["", "a", "Acme", "acme-cams", "../acme", "9lives", "_acme", "acme cams", "ácme", "a" * 25, "acme\n"],
)
def test_a_key_that_is_no_name_is_refused(checkout: Path, key: str) -> None:
    with pytest.raises(ValueError, match="a key is"):
        scaffold(key, checkout)
    assert not [path for path in checkout.rglob("*") if path.is_file()]


@pytest.mark.parametrize("key", ["import", "class"])
def test_a_word_of_python_is_refused(checkout: Path, key: str) -> None:
    with pytest.raises(ValueError, match="word of Python"):
        scaffold(key, checkout)


@pytest.mark.parametrize("key", ["flock", "rekor", "native"])
def test_a_connector_that_there_is_keeps_its_key(checkout: Path, key: str) -> None:
    with pytest.raises(ValueError, match="already"):
        scaffold(key, checkout)


@pytest.mark.parametrize(
    "there",
    [
        "connectors/vendors/acme.py",
        "tests/vendors/acme/a.json",
        "docs/vendors/acme.md",
        "tests/vendors/test_acme_wire.py",
    ],
)
def test_nothing_is_written_over_or_half_written(checkout: Path, there: str) -> None:
    (checkout / there).parent.mkdir(exist_ok=True)
    (checkout / there).write_text("mine")
    with pytest.raises(ValueError, match="is there already"):
        scaffold("acme", checkout)
    assert [path.read_text() for path in checkout.rglob("*") if path.is_file()] == ["mine"]


def test_outside_a_checkout_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no checkout"):
        scaffold("acme", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_to_do_next(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "ROOT", checkout)
    monkeypatch.setattr(module, "scaffold", lambda key: scaffold(key, checkout))
    main("acme")
    said = capsys.readouterr().out
    assert "make test ARGS='-k acme'" in said
    assert "alprhub connectors parse acme tests/vendors/acme/reads.json" in said
    assert "tests/vendors/test_acme_wire.py" in said


def test_the_command_refuses_in_one_line() -> None:
    command = [sys.executable, "-m", "connectors.scaffold", "native"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "'native': there is a connector of that key already\n"
    with pytest.raises(SystemExit, match="a key is"):
        main()
