"""Every public payload of the vendors we speak to, and what becomes of it.

The expectation of a file is the read ids it gives, or words of the refusal; a new file without one fails.
"""

import json
from pathlib import Path

import pytest

from alprhub.cli.connectors import checked
from connectors.contract import Document
from connectors.errors import RecordRejected, VendorChanged
from connectors.registry import connector

SAMPLES = Path(__file__).parent / "samples"
EXPECTED = {path.stem: json.loads(path.read_text()) for path in sorted(SAMPLES.iterdir())}
"""Of a vendor's folder: its connector, what of its settings parsing needs, and by file what is expected."""


def _outcomes(folder: str, path: Path) -> list[str]:
    kind = connector(EXPECTED[folder]["connector"])
    made = kind.offline(**checked(kind, EXPECTED[folder]["settings"]))
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


@pytest.mark.parametrize(
    ("folder", "name"), [(folder, name) for folder in EXPECTED for name in EXPECTED[folder]["files"]]
)
def test_a_public_payload_becomes_what_it_should(shared: Path, folder: str, name: str) -> None:
    told = _outcomes(folder, shared / "vendors" / "samples" / folder / name)
    expected = EXPECTED[folder]["files"][name]
    assert len(told) == len(expected)
    assert all(said.endswith(word) or word in said for said, word in zip(told, expected, strict=True))


@pytest.mark.parametrize("folder", EXPECTED)
def test_every_public_payload_has_an_expectation(shared: Path, folder: str) -> None:
    there = {path.name for path in (shared / "vendors" / "samples" / folder).iterdir()}
    assert there == set(EXPECTED[folder]["files"])


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
