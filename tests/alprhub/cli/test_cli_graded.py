"""What a reading may be relied on for goes with it: into the store, into a search, into one read in full."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from native_reader import connector
from native_reader.engine import Pixels, SeenPlate

WHY = ("--purpose", "stolen_vehicle", "--reason", "a stolen car, report 26-1", "--case", "26-1")
HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


class Three:
    """An engine that sees a sure plate, one near the edge and one that it doubts."""

    name = "three 1.0"
    weights: dict[str, str] = {}  # noqa: RUF012

    def read(self, picture: Pixels) -> list[SeenPlate]:
        return [
            SeenPlate("9SYN001", 0.995, (30, 8, 20, 10), agreed=True),
            SeenPlate("9SYN002", 0.45, (1, 8, 20, 10), agreed=True, may_be_cut=True),
            SeenPlate("9SYN003", 0.7, (60, 8, 20, 10)),
        ]


@pytest.fixture
def looked(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A street that the agency's own camera saw."""
    monkeypatch.setattr(connector, "_engine", lambda models: Three())
    monkeypatch.setenv("COLUMNS", "250")
    photo = tmp_path / "gate" / "street.png"
    photo.parent.mkdir()
    photo.write_bytes(cv2.imencode(".png", np.full((48, 96, 3), 90, np.uint8))[1].tobytes())
    os.utime(photo, (HOUR_AGO.timestamp(), HOUR_AGO.timestamp()))
    assert run("connections", "add", "gate", "native", "--agency=Agency", f"--set=source={photo.parent}").code == 0
    assert run("sync", "gate").code == 0


@pytest.mark.usefixtures("looked")
def test_a_search_says_which_readings_are_alert_grade_and_which_may_be_cut(run: Any) -> None:
    told = run("search", "9SYN00*", *WHY).out.splitlines()
    lines = {plate: next(line for line in told if plate in line) for plate in ("9SYN001", "9SYN002", "9SYN003")}
    assert "alert-grade" in lines["9SYN001"]
    assert "may be cut" in lines["9SYN002"]
    assert "alert-grade" not in lines["9SYN003"] + lines["9SYN002"]


@pytest.mark.usefixtures("looked")
def test_a_program_and_a_reader_of_one_read_get_the_rule(run: Any) -> None:
    rows = {row["plate"]: row for row in run("search", "9SYN00*", *WHY, "--json").json()["rows"]}
    assert rows["9SYN001"]["grade"] == {
        "alert": True, "rule": "alert-grade: two models agree, uncut, calibrated 0.99 or more", "may_be_cut": False,
    }  # fmt: skip
    lacks = "not alert-grade: the plate may be cut, calibrated below 0.99"
    assert rows["9SYN002"]["grade"] == {"alert": False, "rule": lacks, "may_be_cut": True}
    assert lacks in run("reads", "show", rows["9SYN002"]["id"], *WHY).out
    told = json.loads(run("reads", "show", rows["9SYN003"]["id"], *WHY, "--json").out)
    assert told["grade"]["rule"] == "not alert-grade: no two models agree, calibrated below 0.99"
