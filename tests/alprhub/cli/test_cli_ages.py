"""`alprhub retention ages | calendar | reconcile | canary …`: reports that end in 1 where all is not well."""

import re
from datetime import datetime
from typing import Any

import pytest
from registries import installed

NO_CANARIES = "no plate of your own cars is noted yet: alprhub retention canary add SOURCE PLATE --reason …\n"


def test_ages_are_told_by_rule_and_clause(run: Any, filled: Any) -> None:
    told = run("retention", "ages", "--json")
    assert told.code == 0
    (kept,) = told.json()["kept"]
    assert (kept["connection"], kept["rule"], kept["band"]) == ("drop", "hb-motorola", "up to P30D")
    assert (told.json()["violations"], told.json()["signable"]) == ([], True)
    people = run("retention", "ages")
    assert people.code == 0
    assert "hb-motorola" in people.out
    assert "what should be gone" in people.out
    assert "up to 30 days" in people.out
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d P[SD]T", people.out)
    assert "P30D" not in people.out


def test_what_should_be_gone_ends_the_report_with_one(run: Any, filled: Any, sql: Any) -> None:
    sql("UPDATE reads SET expires_at = 1")
    told = run("retention", "ages", "--json")
    assert told.code == 78
    (late,) = told.json()["violations"]
    assert late["kind"] == "unpurged"
    assert late["late_seconds"] > 0
    people = run("retention", "ages").out
    assert "over and out of sight, and not removed yet: alprhub purge" in people
    assert re.search(r"\d+ d( \d+ h)?", people)
    assert str(late["late_seconds"]) not in people


def test_the_calendar_lists_days_and_rules(run: Any, filled: Any) -> None:
    ends = run("retention", "calendar", "--days", 366, "--json").json()
    assert {one["rule"] for one in ends} == {"hb-motorola"}
    assert all(datetime.fromisoformat(one["day"]) for one in ends)
    assert run("retention", "calendar", "--days", 0).code == 65
    assert "hb-motorola" in run("retention", "calendar", "--days", 366).out


def test_everything_adds_up_until_a_read_is_gone(run: Any, filled: Any, sql: Any) -> None:
    fine = run("retention", "reconcile")
    assert (fine.code, fine.out) == (0, "1 day of receipt: every record is accounted for\n")
    (day,) = run("retention", "reconcile", "--all", "--json").json()
    assert day["stored"] == day["visible"] > 0
    sql("DELETE FROM reads WHERE id = (SELECT min(id) FROM reads)")
    wrong = run("retention", "reconcile", "--json")
    assert wrong.code == 78
    assert "1 stored reads are gone" in wrong.json()[0]["said"]


ASKED = """
from plain import PlainConnector

from connectors.contract import Page


class Asked(PlainConnector):
    def lookup(self, query):
        yield Page([], None)
"""


def test_canaries_are_added_listed_and_probed(
    run: Any, filled: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    assert run("retention", "canary", "probe").out == NO_CANARIES
    assert run("retention", "canary", "add", "drop", "9SYN500", "--reason", "patrol car 12").code == 65
    installed(tmp_path / "site", "asked", ASKED, monkeypatch)
    (tmp_path / "asked").mkdir()
    setting = f"folder={tmp_path / 'asked'}"
    assert run("connections", "add", "asked", "asked", "--set", setting, "--agency=Agency").code == 0
    assert run("retention", "canary", "add", "asked", "9SYN500", "--reason", "patrol car 12").code == 0
    done = run("retention", "canary", "probe", "--json")
    assert (done.code, done.json()[0]["outcome"], done.json()[0]["clause"]) == (0, "not_found", "429.5 ¶2 s4")
    assert "deleted, as it must be" in run("retention", "canary", "probe").out
    listed = run("retention", "canary", "list").out
    assert "deleted, as it must be" in listed
    assert "not_found" not in listed
    (one,) = run("retention", "canary", "list", "--json").json()
    assert (one["plate"], one["outcome"]) == ("9SYN500", "not_found")
    assert "removed" in run("retention", "canary", "remove", one["id"], "--reason", "the car is sold").out
    assert run("retention", "canary", "remove", one["id"], "--reason", "the car is sold").code == 66
    assert run("retention", "canary", "list").out == NO_CANARIES
