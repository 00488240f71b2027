"""The recorder: what a vendor sent becomes a fixture that may be shown, or nothing is written."""

import base64
import json
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from effort import tries
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import Connector, Document
from connectors.pictures import is_picture
from connectors.registry import available, connector
from connectors.testing.examples import documents, outcomes
from connectors.testing.fakes import Fakes
from connectors.testing.markers import Marker, leftovers
from connectors.testing.player import Exchange, recorded
from connectors.testing.recorder import Differs, main, save, scrubbed, taped
from connectors.testing.scrub import LeftOver, Scrubber, tiny
from normalize.fault import Unusable

VENDORS = Path(__file__).parents[1] / "vendors"
PLATE, SECRET = "7QRS345", "hunter22-Rosebud"
JPEG = tiny(b"\xff\xd8\xff")


def _scrubbed(told: Any, **given: Any) -> Any:
    return json.loads(Scrubber(**given).scrub(json.dumps(told).encode()))


def _plates(made: Connector[Any], document: Document) -> list[str]:
    return [made.parse(record).plate_raw for record in made.unpack(document)]


def _same_shape(fake: str, original: str) -> bool:
    kinds = (str.isdigit, str.isupper, str.islower)
    return len(fake) == len(original) and all(
        new == old if not old.isalnum() else [kind(new) for kind in kinds] == [kind(old) for kind in kinds]
        for new, old in zip(fake, original, strict=True)
    )


# What becomes of it


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("apiKey", "k9f8sj2hGhs72"),
        ("access_token", "eyJhbGciOi.eyJzdWIiOi.s1gn-ature"),
        ("password", "hunter"),
        ("plate_number", "7QRS345"),
        ("licensePlate", "7QRS 345"),
        ("ocr", "qrs-345"),
        ("vin", "1HGCM82633A004352"),
        ("chassis", "1HGCM82633A004352"),
        ("contact", "jane.doe@police.example"),
        ("userName", "Jane Doe"),
        ("officer", "Jane O'Doe"),
        ("caseNumber", "26-004711"),
        ("note", "Jane Doe's car, see 26-004711"),
    ],
)
def test_what_tells_of_somebody_becomes_a_fake_of_the_same_shape(name: str, value: str) -> None:
    told = _scrubbed({name: value})
    assert told[name] != value
    assert _same_shape(told[name], value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("plate_type", "passenger"),
        ("plate", "unknown"),
        ("captured_at", "2026-06-01T08:15:02.250Z"),
        ("color", "silver"),
        ("key", "license_plate_unknown"),
        ("name", "Pier Ave, northbound"),
        ("id", "0b7c1a5e-5ad2-4b1a-9f57-2f7f3f3a9d10"),
        ("licensePlate", "无车牌"),
    ],
)
def test_what_tells_of_nobody_stays(name: str, value: str) -> None:
    assert _scrubbed({name: value}) == {name: value}


def test_the_same_plate_is_the_same_fake_in_values_names_and_addresses() -> None:
    told = _scrubbed(
        {
            "plate": PLATE,
            "spelt": ["7qrs345", "7QRS-345", "7QRS 345"],
            "by": {PLATE: 1},
            "url": f"https://x.example/p/{PLATE}.jpg?plate=7QRS%20345&w=8",
            "file": f"crop_{PLATE}_1.jpg",
            "inside": json.dumps({"plate": PLATE}),
            "packed": base64.b64encode(json.dumps({"plate": PLATE, "n": 1}).encode()).decode(),
            "words": f"saw {PLATE} twice",
            "escaped": "".join(f"\\u{ord(sign):04x}" for sign in PLATE),
        }
    )
    fake = told["plate"]
    assert _same_shape(fake, PLATE)
    assert told["spelt"] == [fake.lower(), f"{fake[:4]}-{fake[4:]}", f"{fake[:4]} {fake[4:]}"]
    assert list(told["by"]) == [fake]
    assert told["url"] == f"https://x.example/p/{fake}.jpg?plate={fake[:4]}%20{fake[4:]}&w=8"
    assert told["file"] == f"crop_{fake}_1.jpg"
    assert json.loads(told["inside"]) == {"plate": fake}
    assert json.loads(base64.b64decode(told["packed"])) == {"plate": fake, "n": 1}
    assert told["words"] == f"saw {fake} twice"
    assert told["escaped"] == "".join(f"\\u{ord(sign):04x}" for sign in fake)


def test_one_scrubber_gives_one_fake_in_all_documents_of_a_recording() -> None:
    scrubber = Scrubber()
    bodies = [b'{"plate": "7QRS345"}', b"seen,plate\r\n1,7qrs345\r\n2,8TUV456\r\n", b"<r><plate>7QRS 345</plate></r>"]
    for body in bodies:
        scrubber.learn(body)
    first, second, third = (scrubber.scrub(body).decode() for body in bodies)
    fake = json.loads(first)["plate"]
    assert f"1,{fake.lower()}\r\n" in second
    assert third == f"<r><plate>{fake[:4]} {fake[4:]}</plate></r>"


def test_plates_say_that_they_are_synthetic_where_they_have_the_letters_for_it() -> None:
    assert re.fullmatch(r"\dSYN\d{3}", _scrubbed({"plate": PLATE})["plate"])


def test_everything_else_stays_to_the_letter() -> None:
    body = b'{ "plate" :"7QRS345",\r\n\t"n": 1.50, "e": 1E3, "u": "\\u00e9\\/", "plate": "7QRS345" }\n'
    clean = Scrubber().scrub(body)
    fake = clean[12:19]
    assert clean == body.replace(b"7QRS345", fake)
    xml = b'<?xml version="1.0"?>\n<a:E xmlns:a="urn:x"><!-- c --><a:t>5 &lt; 6</a:t><I Name="Plate" Value="7QRS345"/>'
    xml += b"</a:E>"
    clean = Scrubber().scrub(xml)
    assert PLATE.encode() not in clean
    assert re.sub(rb'Value="\w+"', b"", clean) == re.sub(rb'Value="\w+"', b"", xml)


def test_nothing_is_overlooked_in_a_text_of_wide_characters() -> None:
    clean = Scrubber().scrub(f'{{"plate": "{PLATE}"}}'.encode("utf-16")).decode()
    assert PLATE not in clean.replace("\0", "")
    assert json.loads(clean)["plate"]


def test_a_short_or_plain_plate_changes_no_time_and_no_word_that_looks_alike() -> None:
    told = _scrubbed(
        {"hits": [{"plate": "2026"}, {"plate": "BEACH"}], "at": "2026-06-01", "site": "Beach Ave", "beach": 1}
    )
    assert {"2026", "BEACH"}.isdisjoint(hit["plate"] for hit in told["hits"])
    assert (told["at"], told["site"], told["beach"]) == ("2026-06-01", "Beach Ave", 1)


@pytest.mark.parametrize("kind", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"])
def test_a_picture_becomes_a_tiny_one_of_its_kind(kind: bytes) -> None:
    told = _scrubbed({"image": base64.b64encode(kind + bytes(9000)).decode()})
    made = base64.b64decode(told["image"])
    assert is_picture(made)
    assert len(made) < 1000
    assert made[:3] == kind[:3]
    assert Scrubber().scrub(kind + bytes(9000)) == made


def test_long_base64_that_is_no_picture_is_left_out() -> None:
    assert _scrubbed({"blob": base64.b64encode(bytes(range(256)) * 20).decode()}) == {"blob": ""}


@pytest.mark.parametrize(
    "form",
    [
        str,
        str.lower,
        str.upper,
        lambda text: text[::-1],
        lambda text: quote(text, safe=""),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: f"https://u:{text}@x.example/a?x={text}",
    ],
)
def test_a_given_secret_is_gone_in_every_form(form: Any) -> None:
    secret = "hunter22/Rosebud+1"
    told = _scrubbed({"x": f"a {form(secret)} b"}, secrets=[secret])
    assert form(secret) not in told["x"]
    assert len(told["x"]) == len(f"a {form(secret)} b")


@given(plate=st.from_regex(r"[0-9][A-Z]{3}[0-9]{3}|[A-Z]{2}[0-9]{2} [A-Z]{3}", fullmatch=True), seed=st.integers(0, 99))
def test_a_fake_is_never_the_original_and_always_of_its_shape(plate: str, seed: int) -> None:
    fakes = Fakes(seed)
    fakes.keep_off("plate", plate)
    assert fakes.of("plate", plate) != plate
    assert _same_shape(fakes.of("plate", plate), plate)
    assert fakes.of("plate", plate.lower()) == fakes.of("plate", plate).lower()


@settings(max_examples=tries(15, 30), suppress_health_check=[HealthCheck.too_slow])
@given(plates=st.lists(st.from_regex(r"[0-9][A-Z]{3}[0-9]{3}", fullmatch=True), unique=True, max_size=40))
def test_different_plates_have_different_fakes_none_of_which_is_anybodys(plates: list[str]) -> None:
    told = [row["plate"] for row in _scrubbed([{"plate": plate} for plate in plates])]
    assert len(set(told)) == len(plates)
    assert not set(told) & set(plates)


# What must not be left


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"x 7QRS345 x", "as it is"),
        (b"x 7qrs345 x", "as it is"),
        (b"x7QRS345x", "as it is"),
        (b"543SRQ7", "backwards"),
        (b"7QRS%20345", "with signs between"),
        (b"7Q.R-S 345", "with signs between"),
        (b"%37%51%52%53%33%34%35", "as it is"),
        (b'{"a": "\\u0037QRS345"}', "as it is"),
        (b'{"a": "\\\\u0037\\\\u0051RS345"}', "as it is"),
        (b"<a>&#55;QRS345</a>", "as it is"),
        (b"37515253333435", "in hexadecimal"),
        (base64.b64encode(b"7QRS345"), "as it is"),
        (base64.b64encode(b"say 7qrs345 again"), "as it is"),
        (b"prefix" + base64.b64encode(b"a7QRS345b"), "in base64"),
        (base64.b64encode(b"ab7QRS345"), "as it is"),
    ],
)
def test_a_plate_is_found_in_every_form(body: bytes, form: str) -> None:
    (found,) = leftovers(body, [Marker("plate 2", PLATE, is_plate=True)])
    assert found.startswith("plate 2, ")
    assert PLATE not in found
    assert found.endswith(form)


def test_what_only_looks_like_a_plate_is_none() -> None:
    weak = [Marker("plate 1", "2026", is_plate=True), Marker("plate 2", "BEACH", is_plate=True)]
    assert leftovers(b'{"at": "2026-06-01", "site": "Beach Ave", "beach": 1}', weak) == []
    assert leftovers(b'{"plate": "beach"}', weak) == ["plate 2, as a whole value"]


def test_a_leftover_stops_the_scrubber_and_is_not_quoted() -> None:
    hidden = base64.b64encode(b"\xff\xfe" + SECRET.encode() + bytes(4)).decode()
    with pytest.raises(LeftOver) as refused:
        _scrubbed({"x": hidden}, secrets=[SECRET])
    assert "secret 1, " in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_secret_that_would_be_found_everywhere_is_not_taken() -> None:
    with pytest.raises(ValueError, match="fewer than 4"):
        Scrubber(["abc"])


def test_a_fixture_of_which_something_else_becomes_is_refused() -> None:
    body = (VENDORS / "rekor" / "group.json").read_bytes()
    [plate] = _plates(connector("rekor").offline(), Document(body))[:1]

    class Fussy(connector("rekor")):  # type: ignore[misc]
        def read_of(self, record: Any) -> Any:
            if plate.encode() not in record.payload:
                raise Unusable("plate", "is none that this connector knows")
            return super().read_of(record)

    with pytest.raises(Differs, match="record 1 of 1") as refused:
        scrubbed(Fussy.offline(), body, "group.json", Scrubber())
    assert plate not in str(refused.value)


@pytest.mark.parametrize("key", available())
def test_of_every_example_the_connector_makes_the_same_when_it_is_scrubbed(key: str) -> None:
    made: Connector[Any] = connector(key).offline()
    for path in documents(VENDORS / key):
        clean = scrubbed(made, path.read_bytes(), path.name, Scrubber())
        before, after = (outcomes(made, body, path.name) for body in (path.read_bytes(), clean))
        assert [sorted(one) for one in before] == [sorted(one) for one in after]
        plates, fakes = ({one["read"]["plate"] for one in told if "read" in one} for told in (before, after))
        assert not plates - {""} & fakes


# The command


def _run(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "connectors.testing.recorder", *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_the_command_writes_a_fixture_and_asks_for_a_look(tmp_path: Path) -> None:
    out = tmp_path / "group.json"
    done = _run("rekor", VENDORS / "rekor" / "group.json", "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert "read it before you show it" in done.stdout
    told = outcomes(connector("rekor").offline(), out.read_bytes(), out.name)
    assert "read" in told[0]


def test_the_command_writes_nothing_over_and_nothing_that_is_not_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there, source = tmp_path / "there.json", tmp_path / "source.json"
    there.write_text("mine")
    hidden = base64.b64encode(b"\xff\xfe" + SECRET.encode()).decode()
    source.write_text(json.dumps({"data_type": "heartbeat", "x": hidden}))
    secrets = tmp_path / "secrets.txt"
    secrets.write_text(f"{SECRET}\n")
    refusals = [
        ["rekor", str(VENDORS / "rekor" / "group.json"), "--out", str(there)],
        ["rekor", str(source), "--out", str(tmp_path / "new.json"), "--secrets", str(secrets)],
        ["rekor", str(tmp_path / "none.json"), "--out", str(tmp_path / "new.json")],
        ["nobody", str(source), "--out", str(tmp_path / "new.json")],
    ]
    for words in refusals:
        with pytest.raises(SystemExit, match="nothing was written") as refused:
            main(words)
        assert SECRET not in str(refused.value)
    assert there.read_text() == "mine"
    assert not (tmp_path / "new.json").exists()


# A recording of exchanges


class _Vendor(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = JPEG if self.path.startswith("/img") else b'{"reads": [{"plate": "7QRS345"}], "next": null}'
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg" if body is JPEG else "application/json")
        self.send_header("Set-Cookie", f"session={SECRET}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_a_tape_of_a_live_vendor_becomes_a_recording_without_anything_of_anybody(tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), _Vendor)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"
    with taped() as tape, httpx.Client() as client:
        assert client.get(f"{root}/reads?api_key={SECRET}&plate=7qrs345&page=1").json()["next"] is None
        assert client.get(f"{root}/img/7QRS345.jpg").content == JPEG
    server.shutdown()
    server.server_close()
    save(tape, tmp_path / "pull.json", Scrubber([SECRET]))
    first, second = recorded(tmp_path / "pull.json")
    fake = json.loads(first.text)["reads"][0]["plate"]
    assert fake != PLATE
    assert first.query == {"plate": fake.lower(), "page": "1"}
    assert second.path == f"/img/{fake}.jpg"
    assert is_picture(base64.b64decode(second.base64))
    assert set(first.headers) == {"content-type"}
    assert SECRET not in (tmp_path / "pull.json").read_text()


def test_a_recording_with_a_leftover_is_not_written(tmp_path: Path) -> None:
    hidden = base64.b64encode(b"\xff\xfe" + SECRET.encode()).decode()
    with pytest.raises(LeftOver):
        save([Exchange("GET", "/a", text=hidden)], tmp_path / "a.json", Scrubber([SECRET]))
    assert list(tmp_path.iterdir()) == []
