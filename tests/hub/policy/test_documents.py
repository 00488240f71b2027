"""A policy document that is wrong is refused with the path to the field, and never half understood."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.errors import Invalid, NotFound
from hub.policy.contract import read_contract
from hub.policy.overlay import of_document
from hub.policy.profile import load, of_bytes

Plainly = Callable[[str], dict[str, Any]]
SILENT = {"v": None, "force": "not_stated", "ref": None}
SAID = {"v": "required", "force": "shall", "ref": "429.9"}
OVERLAY = b"""
schema_version: '1'
overlay_id: us-nv
kind: statutory
applies_to: everybody
rules:
- {id: nv-1, field: sharing.sale, op: prohibit, ref: some law}
"""


def refusal(data: dict[str, Any]) -> str:
    with pytest.raises(Invalid) as refused:
        of_bytes(yaml.safe_dump(data, sort_keys=False, allow_unicode=True).encode(), "ours.yaml")
    return str(refused.value)


def put(data: dict[str, Any], path: str, value: Any) -> None:
    """Set the field of a path; `...` takes it away."""
    *way, last = path.split(".")
    place: Any = data
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    key = int(last) if isinstance(place, list) else last
    if value is ...:
        del place[key]
    else:
        place[key] = value


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("retention.rules.2.max.dur", "30D", "retention.rules.2.max.dur: '30D' is no duration such as P30D"),
        ("retention.rules.2.max.dur", 30, "retention.rules.2.max.dur: 30 is no duration such as P30D"),
        ("retention.rules.2.max.dur", "P1000Y", "retention.rules.2.max.dur: 'P1000Y' is longer than 100 years"),
        ("retention.rules.2.max", 30, "retention.rules.2.max: must be lines of `name: value` or nothing, is 30"),
        ("retention.rules.0.max.clock", "ingested_at", "retention.rules.0.max.clock: 'ingested_at' is none of"),
        ("retention.rules.0.max.unit", "days", "retention.rules.0.max.unit: is unknown; there are: dur, clock"),
        ("retention.rules.0.max.clock", ..., "retention.rules.0.max.clock: is missing"),
        ("retention.rules.0.max", ..., "retention.rules.0.max: is missing"),
        ("retention.rules.0.max", None, "retention.rules.0: sets neither max, min nor until"),
        ("retention.rules.0.until", "statute_of_limitations", "retention.rules.0.until: needs match.linked_case: true"),
        ("retention.rules.1.id", "hb-motorola", "retention.rules.1.id: hb-motorola comes twice"),
        ("retention.rules.1.ref", ..., "retention.rules.1.ref: is missing"),
        ("retention.rules.1.ref", "", "retention.rules.1.ref: is empty"),
        ("retention.rules.1.match.orign", "own", "retention.rules.1.match.orign: is unknown; did you mean origin?"),
        ("retention.rules.1.match.vendor", "Flock Safety", "retention.rules.1.match.vendor: "),
        ("retention.rules.1.copy_at", "cloud", "retention.rules.1.copy_at: 'cloud' is none of vendor, hub, any"),
        ("retention.rules", [], "retention.rules: is empty"),
        ("query.reason.ref", ..., "query.reason.ref: is missing"),
        ("query.event_number", SAID | {"ref": None}, "query.event_number.ref: must be text"),
        ("query.event_number", SAID | {"v": "sometimes"}, "query.event_number.v: 'sometimes' is none"),
        ("query.event_number", SAID | {"v": None}, "query.event_number.v: says nothing"),
        ("query.event_number.v", "required", "query.event_number.v: must be nothing, is 'required'"),
        ("query.reson", SILENT, "query.reson: is unknown; did you mean reason?"),
        ("sharing.recipents", SILENT, "sharing.recipents: is unknown; did you mean"),
        ("sharing.recipients.force", "must", "sharing.recipients.force: 'must' is none of shall, should"),
        ("training.refresh_interval", SAID | {"v": "1 y"}, "training.refresh_interval.v: '1 y' is no duration"),
        ("training.initial_before_access.v", "yes", "training.initial_before_access.v: must be true or false"),
        ("use.purposes.v", "stolen_vehicle", "use.purposes.v: must be a list"),
        ("use.purposes.v", [], "use.purposes.v: is empty"),
        ("use.purposes", ..., "use.purposes: is missing"),
        ("agency.timezone", "Pacific", "agency.timezone: 'Pacific' is no time zone such as America/Los_Angeles"),
        ("agency.timezone", "../etc/passwd", "agency.timezone: '../etc/passwd' is no time zone"),
        ("agency.nmae", "x", "agency.nmae: is unknown; did you mean name?"),
        ("overlays", ["us-ca", "us-mars"], "overlays.1: no overlay is called 'us-mars'; there are: us-ca, us-cjis"),
        ("overlays", ["../us-ca"], "overlays.0: "),
        ("policy_doc.number", 429, "policy_doc.number: must be text (put it in quotes), is 429"),
        ("schema_version", 1, "schema_version: must be '1', is 1"),
        ("decisions_needed.0.safe_default", ..., "decisions_needed.0.safe_default: is missing"),
        ("extra", 1, "extra: is unknown; there are: "),
        ("hit", ..., "hit: is missing"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_with_its_path(plainly: Plainly, path: str, value: Any, told: str) -> None:
    data = plainly("hermosa-beach")
    put(data, path, value)
    assert refusal(data).startswith(f"ours.yaml: {told}")


def test_several_faults_are_told_at_once_and_the_rest_counted(plainly: Plainly) -> None:
    data = plainly("hermosa-beach")
    for purpose in range(22):
        put(data, f"purposse_{purpose}", "30")
    told = refusal(data)
    assert told.count("; did you mean") + told.count("; there are") == 20
    assert told.endswith("; and 2 more")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "is empty"),
        (b"- a\n- b\n", "the document: must be lines of `name: value`, is a list"),
        (b"just words", "the document: must be lines of `name: value`, is plain text"),
        (b"a: [1, 2\nb: 3\n", "line 2, column 2: "),
        (b"a: 1\nretention:\n  rules: 1\n  rules: 2\n", "retention.rules: comes twice (line 4)"),
        (b"a:\n- b: 1\n  b: 2\n", "a.0.b: comes twice (line 3)"),
        (b"a: &one {b: 1}\nc: *one\n", "c: refers to another place"),
        (b"on: 1\n", "on: the key is not text (line 1)"),
        (b"1: 1\n", "1: the key is not text"),
        (b"[a]: 1\n", "the key is not text"),
        (b"a: !!python/object/apply:os.system [ls]\n", "line 1, column 4: could not determine a constructor"),
        (b"a: 1\n---\nb: 2\n", "line 2, column 1: "),
        (b"a: \xff\xfe", "cannot be read as YAML"),
        (b"a: \x00", "cannot be read as YAML"),
        (b"[" * 1000, "is nested too deeply"),
        (b"a: 2026-99-99\n", "cannot be read as YAML: month must be in 1..12"),
        (b"#" * (2 << 20), "is larger than"),
    ],
)  # fmt: skip
def test_what_is_no_yaml_or_takes_its_freedoms_is_refused(text: bytes, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        of_bytes(text, "ours.yaml")
    assert told in str(refused.value)
    assert str(refused.value).startswith("ours.yaml: ")
    assert len(str(refused.value)) < 1000


def test_a_date_without_quotes_is_told_to_be_quoted(plainly: Plainly) -> None:
    data = plainly("hermosa-beach")
    data["policy_doc"]["revised"] = date(2023, 9, 5)
    assert refusal(data) == "ours.yaml: policy_doc.revised: must be text (put it in quotes) or nothing, is 2023-09-05"


def test_a_profile_loads_from_a_file_and_brings_an_overlay_that_lies_beside_it(
    plainly: Plainly, tmp_path: Path
) -> None:
    data = plainly("long-beach")
    data["overlays"] = ["us-nv"]
    file = tmp_path / "ours.yaml"
    file.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    with pytest.raises(Invalid, match=r"overlays\.0: no overlay is called 'us-nv'"):
        load(str(file))
    (tmp_path / "overlay-us-nv.yaml").write_bytes(OVERLAY)
    assert load(str(file)).effective("sharing.sale").references[-1].clause == "some law"
    (tmp_path / "overlay-us-nv.yaml").write_bytes(OVERLAY.replace(b"us-nv", b"us-az"))
    with pytest.raises(Invalid, match="calls itself us-az"):
        load(str(file))


def test_a_file_that_is_not_there_is_not_found_and_a_folder_is_no_profile(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"none\.yaml"):
        load(str(tmp_path / "none.yaml"))
    with pytest.raises(Invalid, match="is a folder, and a file is needed"):
        load(f"{tmp_path}/")


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        (b"prohibit", b"forbid", "rules.0.op: 'forbid' is none of union"),
        (b"op: prohibit", b"op: union", "rules.0.v: is missing"),
        (b", ref: some law", b"", "rules.0.ref: is missing"),
        (b"- {id", b"- {id: nv-1, field: breach, op: require, ref: law}\n- {id", "rules.1.id: nv-1 comes twice"),
        (b"rules:", b"ruels: 1\nrules:", "ruels: is unknown; did you mean rules?"),
    ],
)
def test_an_overlay_that_is_wrong_is_refused_too(was: bytes, now: bytes, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        of_document(OVERLAY.replace(was, now), "overlay-us-nv.yaml")
    assert f"overlay-us-nv.yaml: {told}" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"vendor: flock", "connection is missing"),
        (b"{connection: c, vendor: v}", "says nothing: it needs a ceiling, a floor, ownership, sharing or deletion"),
        (b"{connection: c, vendor: v, sharing: {forbids: [sale], ref: here}}", "sharing.forbids.0: "),
        (b"{agency: a, connection: c, vendor: v, ceiling: {dur: 30, clock: captured_at, ref: here}}", "ceiling.dur: "),
        (b"{agency: a, connection: c, vendor: v, ceiling: {dur: 30D, clock: captured_at, ref: life}}", "'30D' is not"),
        (b"{agency: a, connection: c, vendor: v, ceiling: {dur: P1Y, clock: captured_at}}", "ceiling.ref is missing"),
        (b"{agency: a, connection: c, vendor: v, copy_at: moon}", "copy_at: "),
        (b"{agency: a, connection: c, vendor: v, celing: 1}", "no field is called 'celing'; did you mean 'ceiling'?"),
        (b"[]", "the document: "),
    ],
)  # fmt: skip
def test_a_contract_that_is_wrong_is_refused_with_its_path(text: bytes, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_contract(text, "contract.yaml")
    assert told in str(refused.value)
