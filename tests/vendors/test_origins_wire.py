"""Where plates are from, and how sure vendors are of a vehicle, on every wire that tells more than a state's name."""

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Document, Entry
from connectors.mapping import Mapping
from connectors.registry import connector
from connectors.vendors.genetec.rows import entries_of
from connectors.vendors.genetec.rows import file_of as genetec_file
from connectors.vendors.genetec.settings import GenetecSettings
from connectors.vendors.motorola.files import file_of as motorola_file
from connectors.vendors.motorola.settings import MotorolaSettings
from normalize.read import Read
from normalize.states import Codes
from normalize.word import Known

HERE = Path(__file__).parent
MAP = {"plate": "p", "captured_at": "t", "camera_id": "c", "state": "s", "country": "n"}
TOLD = {"p": "9SYN042", "t": "2026-06-01T08:00:00Z", "c": "cam"}


def one(key: str, body: Any, content_type: str = "application/json", **settings: Any) -> Read:
    """The one read that a connector makes of a body."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    made = connector(key).offline(**settings)
    [record] = made.unpack(Document(raw, content_type))
    return made.parse(record)


def group(**more: Any) -> Read:
    return one("rekor", {**json.loads((HERE / "rekor" / "group.json").read_bytes()), **more})


def mapped(more: dict[str, Any], **told: Any) -> Read:
    return one("generic_webhook", {**TOLD, **told}, map=Mapping.model_validate({**MAP, **more}))


@pytest.mark.parametrize(
    ("region", "nation", "state", "country"),
    [
        ("ma", "us", "US-MA", "US"), ("us-mo", "us", "US-MO", "US"), ("on", "us", "CA-ON", "CA"),
        ("ma", "br2", None, "BR"), ("de", "eu", None, "DE"), ("eu-fr", "eu", None, "FR"), ("", "eu", None, None),
        ("nsw", "auwide", None, "AU"), ("ca", "mx", None, "MX"), ("jal", "mx", "MX-JAL", "MX"), ("", "us", None, "US"),
        ("Mexico", "us", None, "MX"), ("MEX", "us", None, "MX"), ("mx-bcn", "us", "MX-BCN", "MX"),
        ("Canada", "us", None, "CA"), ("zz9", "us", None, "US"), ("us", "us", None, "US"),
    ],
)  # fmt: skip
def test_rekors_country_is_the_set_of_patterns_that_an_agent_reads_by(
    region: str, nation: str, state: str | None, country: str | None
) -> None:
    read = group(best_region=region, country=nation)
    assert (read.plate_state, read.plate_country) == (state, country)


@pytest.mark.parametrize(
    ("region", "told", "set_to", "state", "country"),
    [
        ("ma", {}, None, None, None), ("ma", {}, "us", "US-MA", "US"), ("on", {}, "us", "CA-ON", "CA"),
        ("ma", {"country": "ma"}, None, None, "MA"), ("ma", {"country": "br2"}, "us", None, "BR"),
        ("ma", {"country": "us"}, None, "US-MA", "US"), ("us-ma", {}, None, "US-MA", "US"),
        ("us-ma", {"country": "br"}, None, None, "BR"), ("br-ma", {}, None, None, "BR"),
        ("Mexico", {}, None, None, "MX"),
    ],
)  # fmt: skip
def test_a_bare_region_of_rekors_is_a_state_only_where_a_country_was_said(
    region: str, told: dict[str, str], set_to: str | None, state: str | None, country: str | None
) -> None:
    frame = {"data_type": "alpr_results", "uuid": "u-1", "epoch_time": 1780326930000, "camera_id": 7, **told,
             "results": [{"plate": "9SYN042", "confidence": 90, "region": region}]}  # fmt: skip
    old = {"uuid": "u-1", "epoch_time": "2026-06-01T08:00:00Z", "camera_id": 7, "plate": "9SYN042", "confidence": 90,
           "region": region, **told}  # fmt: skip
    for body in (frame, [{"pk": 1, "model": "m", "fields": old}]):
        read = one("rekor", body, country=set_to)
        assert (read.plate_state, read.plate_country) == (state, country)
        assert "XX" not in (read.country.said, read.state.said)


def test_rekor_tells_a_vehicle_only_as_far_as_the_agent_is_sure_of_it() -> None:
    vague = [{"name": "toyota", "confidence": 0.9}, {"name": "ford", "confidence": 0.8}]
    vehicle = {"make": vague, "make_model": [{"name": "toyota_corolla", "confidence": 0.5}],
               "color": [{"name": "silver-gray", "confidence": 93.0}],
               "body_type": [{"name": "car", "confidence": "x"}],
               "year": [{"name": "2015-2019", "confidence": 3.2}]}  # fmt: skip
    seen = group(vehicle=vehicle).vehicle
    assert (seen.make.code, seen.make.said, seen.make.known) == (None, "toyota", Known.UNKNOWN)
    assert seen.make.confidence == pytest.approx(0.009)
    assert (seen.model, seen.year) == (None, None)
    assert (seen.colour.code, seen.colour.confidence) == ("SIL", 0.93)
    assert (seen.body.code, seen.body.confidence) == ("CAR", None), "a confidence that is none costs no read"


@pytest.mark.parametrize(
    ("code", "state", "country"),
    [("us-ca", "US-CA", "US"), ("ca-on", "CA-ON", "CA"), ("de", None, "DE"), ("ca", None, "CA"), ("us", None, "US"),
     ("br-sp", None, "BR"), ("gb", None, "GB"), (None, None, None)],
)  # fmt: skip
def test_plate_recognizers_region_is_a_country_or_begins_with_one(
    code: str | None, state: str | None, country: str | None
) -> None:
    body = json.loads((HERE / "platerecognizer" / "snapshot_answer.json").read_bytes())
    body["results"] = [{**body["results"][0], "region": {"code": code, "score": 0.5}}]
    read = one("platerecognizer", body)
    assert (read.plate_state, read.plate_country) == (state, country)


def test_plate_recognizers_make_of_hardly_any_score_is_no_make() -> None:
    body = json.loads((HERE / "platerecognizer" / "snapshot_answer.json").read_bytes())
    body["results"] = [{**body["results"][0], "model_make": [{"make": "Riley", "model": "RMF", "score": 0.009}]}]
    seen = one("platerecognizer", body).vehicle
    assert (seen.make.code, seen.make.said, seen.make.confidence, seen.model) == (None, "Riley", 0.009, None)


@pytest.mark.parametrize(
    ("name", "context", "state", "country"),
    [("CA", "US", "US-CA", "US"), ("CA", "MX", None, "MX"), ("DE", "EU", None, "DE"), ("CA", "NA", "US-CA", "US"),
     ("ON", "-", "CA-ON", "CA"), ("MA", "BR", None, "BR")],
)  # fmt: skip
def test_genetecs_context_is_the_country_that_a_state_must_be_of(
    name: str, context: str, state: str | None, country: str | None
) -> None:
    body = json.loads((HERE / "genetec" / "sharp_bare.json").read_bytes())
    body["PlateAnalytics"] = [{"Key": "State Name", "Value": name, "Score": 90}, {"Key": "Context", "Value": context}]
    read = one("genetec", body)
    assert (read.plate_state, read.plate_country) == (state, country)


@pytest.mark.parametrize(("said", "country"), [("IND", "IN"), ("India", "IN"), ("IN", None), ("EUR", None)])
def test_dahuas_region_is_a_country_only_in_full(said: str, country: str | None) -> None:
    body = json.loads((HERE / "dahua" / "tollgate.json").read_bytes())
    body["Picture"]["Plate"]["Region"] = said
    read = one("dahua", body)
    assert (read.plate_state, read.plate_country, read.state.said) == (None, country, said)


@pytest.mark.parametrize(
    ("state", "nation", "expected"),
    [("MA", "BR", (None, "BR")), ("CA", None, ("US-CA", "US")), ("CA", "MX", (None, "MX")), (None, "DEU", (None, "DE")),
     ("de", "eu", (None, "DE")), ("ON", "USA", ("CA-ON", "CA")), ("NB", None, (None, None)),
     (None, None, (None, None))],
)  # fmt: skip
def test_a_maps_state_counts_only_inside_its_country(
    state: str | None, nation: str | None, expected: tuple[str | None, str | None]
) -> None:
    read = mapped({}, s=state, n=nation)
    assert (read.plate_state, read.plate_country) == expected


@pytest.mark.parametrize(("codes", "state"), [("ncic", "US-NE"), ("postal", "CA-NB"), (None, None)])
def test_a_map_says_whose_codes_of_states_a_sender_writes(codes: str | None, state: str | None) -> None:
    read = mapped({"state_codes": codes}, s="NB")
    assert (read.plate_state, read.state.said) == (state, "NB")


def test_a_map_may_say_how_sure_a_sender_is_of_a_vehicle() -> None:
    told = {"make": "m", "make_confidence": {"path": "sure", "scale": "0-100"}, "body": "b", "body_confidence": "none"}
    seen = mapped(told, m="Toyota", sure=0.9, b="car", none="high").vehicle
    assert (seen.make.code, seen.make.said, seen.body.code) == (None, "Toyota", "CAR")
    assert mapped(told, m="Toyota", sure=90).vehicle.make.confidence == 0.9


@pytest.mark.parametrize(("codes", "nebraska"), [(None, "NE"), (Codes.POSTAL, "NE"), (Codes.NCIC, "NB")])
def test_hot_list_files_are_written_and_read_back_by_the_codes_of_their_reader(
    tmp_path: Path, codes: Codes | None, nebraska: str
) -> None:
    states = ("US-NE", "CA-NB", "US-GU", "MX-NAY")
    entries = [Entry(f"9SYN00{number}", "stolen", "26-1", state) for number, state in enumerate(states)]
    genetec = GenetecSettings(state_codes=codes)
    body = genetec_file({(entry.plate, entry.state): entry for entry in entries}, genetec)
    assert f"9SYN000;{nebraska};".encode() in body
    assert [entry.state for entry in entries_of(body, genetec)] == list(states)
    motorola = MotorolaSettings(place=str(tmp_path), state_codes=codes)
    assert f"9SYN000,{nebraska},".encode() in motorola_file(entries, motorola)


@pytest.mark.parametrize(
    ("settings", "row", "expected"),
    [({}, "NB,", (None, None)), ({"state_codes": "ncic"}, "NB,", ("US-NE", "US")), ({}, "CA,MEX", (None, "MX")),
     ({}, "CA,", ("US-CA", "US"))],
)  # fmt: skip
def test_an_export_of_vigilants_says_state_and_country_by_the_columns_of_the_settings(
    tmp_path: Path, settings: dict[str, Any], row: str, expected: tuple[str | None, str | None]
) -> None:
    text = f"plate,captured_at,camera_id,state,country\n9SYN001,2026-06-01T08:00:00Z,c1,{row}\n"
    read = one("motorola", text.encode(), "text/csv", place=str(tmp_path), **settings)
    assert (read.plate_state, read.plate_country) == expected
