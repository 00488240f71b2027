"""Every public payload of the vendors we speak to, and what becomes of it.

The expectation of a file is the read ids it gives, or words of the refusal; a new file without one fails.
"""

import json
from pathlib import Path

import pytest

from connectors.contract import Document
from connectors.errors import RecordRejected, VendorChanged
from connectors.registry import connector

AGENT = "3QWN7ANABCV4EKZZLYKOSWKNAGGVW5IFQ5UAYYF6-237528343"
HIDDEN = "YYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYY-1234"
EXPECTED: dict[str, dict[str, list[str]]] = {
    "flock": {
        "alerts_error_401.json": ["is an error answer, not a read"],
        "alerts_error_404.json": ["is an error answer, not a read"],
        "alerts_error_429.json": ["is an error answer, not a read"],
        "device_patch_update_device_metadata.json": ["is a change of a device, not a read"],
        "device_patch_update_device_name.json": ["is a change of a device, not a read"],
        "devices_list_200.json": ["is a device list, not a read"],
        "generic_alert_200.json": ["is an alert without a plate, not a read"],
        "images_413.json": ["is an error answer, not a read"],
        "reads_lookup_200_from_schema_examples.json": ["4171ae2b-843f-405b-922d-b1e89921f24f"],
        "reads_lookup_request.json": ["is a lookup request, not a read"],
        "webhook_all_reads_2022_schema.txt": ["is cut short or not JSON"],
    },
    "rekor_openalpr": {
        "agent_alpr_group_template_min.json": ["best_uuid: is missing or empty"],
        "agent_alpr_group_v2.json": [f"{HIDDEN}-1562681122676"],
        "agent_alpr_group_v2_5_1.json": [f"{AGENT}-1515080450621"],
        "agent_alpr_group_v2_5_2.json": [f"{AGENT}-1515080468753"],
        "agent_alpr_results_v2.json": [f"{HIDDEN}-1562681608425-0", f"{HIDDEN}-1562681608425-1"],
        "agent_heartbeat.json": ["a heartbeat carries no read"],
        "agent_heartbeat_v2_5.json": ["a heartbeat carries no read"],
        "carcheck_v3_recognize_response.json": ["uuid: is empty"],
        "milestone_alertlist.csv": ["is a list of plates in CSV, not reads"],
        "scout_search_plate_response_shape.json": ["epoch_time_start: is not an ISO 8601 time"],
        "webhook_alpr_alert_head.txt": ["is cut short or not JSON"],
    },
}
KEYS = {"flock": "flock", "rekor_openalpr": "rekor"}


def _outcomes(folder: str, path: Path) -> list[str]:
    made = connector(KEYS[folder]).offline()
    try:
        records = list(made.unpack(Document(path.read_bytes(), name=path.name)))
    except VendorChanged as changed:
        return [str(changed)]
    told = []
    for record in records:
        try:
            told.append(made.parse(record).vendor_read_id)
        except RecordRejected as refused:
            told.append(str(refused))
    return told


@pytest.mark.parametrize(("folder", "name"), [(folder, name) for folder in EXPECTED for name in EXPECTED[folder]])
def test_a_public_payload_becomes_what_it_should(shared: Path, folder: str, name: str) -> None:
    told = _outcomes(folder, shared / "vendors" / "samples" / folder / name)
    expected = EXPECTED[folder][name]
    assert len(told) == len(expected)
    assert all(said.endswith(word) or word in said for said, word in zip(told, expected, strict=True))


@pytest.mark.parametrize("folder", EXPECTED)
def test_every_public_payload_has_an_expectation(shared: Path, folder: str) -> None:
    there = {path.name for path in (shared / "vendors" / "samples" / folder).iterdir()}
    assert there == set(EXPECTED[folder])


def test_the_reads_of_the_agents_samples_say_what_the_samples_say(shared: Path) -> None:
    folder = shared / "vendors" / "samples" / "rekor_openalpr"
    made = connector("rekor").offline()

    def read(name: str) -> dict[str, object]:
        sample = (folder / name).read_bytes()
        [record] = made.unpack(Document(sample))
        found = made.parse(record)
        assert found.plate == json.loads(sample)["best_plate_number"]  # a real car's, so it is not written down here
        told = {"state": found.plate_state, "make": found.vehicle.make.code, "place": found.place is not None}
        return {**told, "colour": found.vehicle.colour.code, "body": found.vehicle.body.code}

    assert read("agent_alpr_group_v2.json") == {
        "state": "US-MO", "make": "FORD", "colour": "BLK", "body": "4D", "place": True,
    }  # fmt: skip
    assert read("agent_alpr_group_v2_5_1.json") == {
        "state": "US-MA", "make": "BMW", "colour": "WHI", "body": "UT", "place": False,
    }  # fmt: skip
