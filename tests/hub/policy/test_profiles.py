"""The five profiles: what each says, that it says it with a clause, and what the overlays make of it."""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from vectors import VECTORS, asked

from hub.errors import NotFound, PolicyRefused
from hub.policy.contract import SourceContract, Term
from hub.policy.durations import Duration
from hub.policy.overlay import Operation, built_in, load_overlay
from hub.policy.profile import Profile, load, names

Plainly = Callable[[str], dict[str, Any]]
ANY_GOVERNMENT = "government_entity_with_le_or_public_safety_purpose"
CAPTURED = datetime(2026, 1, 30, 8, tzinfo=UTC)
FIVE = ("hayward", "hermosa-beach", "long-beach", "palm-springs", "westminster")
DATA = files("hub.policy").joinpath("profiles")


def test_five_profiles_and_two_overlays_are_built_in() -> None:
    assert names() == FIVE
    assert built_in() == ("us-ca", "us-cjis")
    Draft202012Validator.check_schema(json.loads(DATA.joinpath("policy-profile.schema.json").read_text("utf-8")))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_every_golden_vector_holds(vector: dict[str, Any]) -> None:
    profile, ask = load(vector["agency"]), asked(vector)
    if ask.held:
        at = Duration.parse(profile.effective("retention.report_if_older_than").value).ceiling(
            ask.captured_at, profile.zone
        )
    else:
        bounds = profile.bounds("own", ask.vendor, None, ask.captured_at, ask.received_at, copy=ask.copy)
        bound = bounds.ceiling if vector["kind"] == "max" else bounds.floor
        assert bound is not None
        at = bound.at
    assert at == ask.boundary, vector["note"]


@pytest.mark.parametrize("name", FIVE)
@pytest.mark.parametrize("vendor", ["flock", "motorola", "rekor"])
@pytest.mark.parametrize("linked", [False, True])
def test_reads_that_arrive_together_end_as_each_alone_would(name: str, vendor: str, linked: bool) -> None:
    profile, received = load(name), CAPTURED + timedelta(days=3)
    ends = profile.ends("own", vendor, None, received, linked=linked)
    for captured in (CAPTURED, CAPTURED + timedelta(days=29), datetime(2024, 2, 29, 9, 30, tzinfo=UTC)):
        try:
            alone = profile.expiry("own", vendor, None, captured, received_at=received, linked=linked)
        except PolicyRefused as refused:
            with pytest.raises(PolicyRefused, match=re.escape(str(refused))):
                ends(captured)
        else:
            assert ends(captured) == alone


@pytest.mark.clause("hermosa-beach 429.5 ¶2 s1")
def test_hermosa_beach_keeps_flock_thirty_days_motorola_a_year_and_others_thirty_days() -> None:
    profile = load("hermosa-beach")
    month, year = datetime(2026, 3, 1, 8, tzinfo=UTC), datetime(2027, 1, 30, 8, tzinfo=UTC)
    assert profile.expiry("own", "flock", None, CAPTURED) == (month, "hb-flock", "429.5 ¶2 s4")
    assert profile.expiry("own", "motorola", None, CAPTURED) == (year, "hb-motorola", "429.5 ¶2 s3")
    for origin, vendor in (("commercial", "rekor"), ("native_reader", "native"), ("own", "somebody")):
        assert profile.expiry(origin, vendor, None, CAPTURED)[:2] == (month, "hb-other")


def test_commercial_flock_data_is_not_the_agencys_own_flock_data() -> None:
    assert load("hermosa-beach").rule_for("commercial", "flock").id == "hb-other"


def test_palm_springs_hub_copy_lives_past_day_thirty_only_while_something_links_it() -> None:
    profile = load("palm-springs")
    assert profile.expiry("own", "flock", None, CAPTURED)[1:] == ("ps-unlinked", "430.8 ¶2 s3")
    assert profile.expiry("own", "flock", None, CAPTURED).at == CAPTURED + timedelta(days=30)
    assert profile.expiry("own", "flock", None, CAPTURED, linked=True)[1:] == ("ps-downloaded", "430.8 ¶3")
    assert profile.rule_for("own", "flock").id == "ps-unlinked"
    assert profile.rule_for("own", "flock", linked=True).id == "ps-downloaded"


def test_the_vendors_copy_and_the_hubs_each_have_their_own_rule() -> None:
    bounds = load("palm-springs").bounds("own", "flock", None, CAPTURED, CAPTURED, copy="vendor")
    assert bounds.ceiling is not None
    assert (bounds.ceiling.rule, bounds.unlinked, bounds.floor) == ("ps-flock-vendor", None, None)


def test_what_a_policy_says_nothing_of_gets_its_strictest_rule() -> None:
    assert load("palm-springs").expiry("own", "somebody", None, CAPTURED, copy="vendor").rule == "ps-flock-vendor"
    assert load("long-beach").expiry("native_reader", "native", None, CAPTURED).at == datetime(
        2028, 1, 30, 8, tzinfo=UTC
    )


@pytest.mark.parametrize("name", ["westminster", "hayward"])
def test_a_policy_without_a_number_keeps_nothing_until_one_is_signed(name: str) -> None:
    profile = load(name)
    for copy in ("hub", "vendor"):
        with pytest.raises(
            PolicyRefused, match=f"{profile.id} does not say how long own reads of flock may be kept.*-d1"
        ):
            profile.expiry("own", "flock", None, CAPTURED, copy=copy)
        with pytest.raises(PolicyRefused, match="may be kept at most"):
            profile.rule_for("own", "flock", copy=copy)
    floor = profile.floor("own", "flock", None, CAPTURED, CAPTURED + timedelta(days=3))
    assert floor is not None
    assert floor.at == datetime(2027, 2, 2, 8, tzinfo=UTC)
    assert profile.floor("own", "flock", None, CAPTURED, CAPTURED, copy="vendor") is None


def test_a_contract_can_shorten_a_life_and_never_lengthens_one() -> None:
    profile = load("hermosa-beach")

    def contract(dur: str, **more: Any) -> SourceContract:
        term = Term(dur=dur, clock="captured_at", ref="§ 7.2")
        return SourceContract(
            agency=profile.id, connection="pier", vendor="flock", ceiling=term, contract_id="C-7", **more
        )

    week = profile.expiry("own", "flock", contract("P7D"), CAPTURED)
    assert week == (CAPTURED + timedelta(days=7), "pier-ceiling", "C-7 § 7.2")
    assert profile.expiry("own", "flock", contract("P1Y"), CAPTURED).rule == "hb-flock"
    at_vendor = contract("P7D", copy_at="vendor")
    assert profile.expiry("own", "flock", at_vendor, CAPTURED).rule == "hb-flock"


def test_one_vendors_two_contracts_are_two_lives() -> None:
    profile = load("long-beach")
    ends = set()
    for name, dur in (("city", "P30D"), ("county", "P1Y")):
        term = Term(dur=dur, clock="captured_at", ref="life")
        made = SourceContract(agency=profile.id, connection=name, vendor="flock", ceiling=term)
        ends.add(profile.expiry("own", "flock", made, CAPTURED).rule)
    assert ends == {"city-ceiling", "county-ceiling"}


@pytest.mark.parametrize("name", FIVE)
def test_every_field_in_force_says_something_with_a_clause_or_nothing_at_all(name: str) -> None:
    profile = load(name)
    for field in profile.fields():
        found = profile.effective(field)
        assert (found.force == "not_stated") == (found.value is None), field
        assert found.value is None or found.references, field


@pytest.mark.parametrize("name", FIVE)
def test_a_reason_is_required_of_everybody_and_says_by_which_law(name: str) -> None:
    found = load(name).effective("query.reason")
    assert (found.required, found.binding) == (True, True)
    assert found.references[-1] == ("us-ca", "ca-2", "Civ. Code 1798.90.52(a)(4)", "require")
    assert found.stated == ("required" if name == "palm-springs" else None)


def test_the_departments_clause_stays_beside_the_statutes() -> None:
    found = load("palm-springs").effective("query.reason")
    assert [reference.clause for reference in found.references] == ["430.7(g)", "Civ. Code 1798.90.52(a)(4)"]


def test_database_checks_are_one_field_with_three_strengths() -> None:
    told = {name: load(name).effective("hit.database_verification") for name in FIVE}
    practicable = "if_practicable_before_enforcement_based_solely_on_alert"
    for name in ("hermosa-beach", "westminster", "hayward"):
        assert (told[name].value, told[name].force, told[name].binding) == (practicable, "should", False)
    assert (told["long-beach"].value, told["long-beach"].binding) == ("every_hit", True)
    exigency = "before_enforcement_or_any_police_action_absent_exigency"
    assert (told["palm-springs"].value, told["palm-springs"].binding) == (exigency, True)


def test_training_roles_and_event_numbers_differ_as_the_policies_do() -> None:
    refresh = {name: load(name).effective("training.refresh_interval").value for name in FIVE}
    assert refresh == dict.fromkeys(FIVE) | {"long-beach": "P1Y"}
    assert len(load("palm-springs").effective("access.roles_enumerated").value) == 9
    assert load("palm-springs").effective("query.event_number").value == "required_if_applicable"
    assert not load("palm-springs").effective("query.event_number").required
    assert all(load(name).effective("use.suspicion_needed").value in (False, None) for name in FIVE)


@pytest.mark.parametrize("name", FIVE)
def test_immigration_enforcement_is_no_purpose_and_nothing_may_be_sold(name: str) -> None:
    profile = load(name)
    assert profile.effective("purpose.immigration_enforcement").prohibited
    assert profile.effective("sharing.sale").prohibited
    assert "immigration_enforcement" not in profile.purposes
    assert profile.effective("sharing.data_hosting").value == "permitted"


def test_a_purpose_that_an_overlay_prohibits_is_gone_even_if_the_policy_names_it(plainly: Plainly) -> None:
    data = plainly("hermosa-beach")
    data["use"]["purposes"]["v"].append("immigration_enforcement")
    assert "immigration_enforcement" in Profile(data, []).purposes
    assert Profile(data, []).effective("purpose.immigration_enforcement").value == "permitted"
    with_law = Profile(data, [load_overlay("us-ca")])
    assert "immigration_enforcement" not in with_law.purposes
    assert with_law.effective("purpose.immigration_enforcement").prohibited


@pytest.mark.clause("long-beach 6.3.7.1 ¶1", lacks="the service that shares")
def test_long_beach_alone_would_share_with_any_government_and_the_overlay_cuts_that(plainly: Plainly) -> None:
    alone = Profile(plainly("long-beach"), []).effective("sharing.recipients")
    assert ANY_GOVERNMENT in alone.value
    assert alone.within == ()
    recipients = load("long-beach").effective("sharing.recipients")
    assert recipients.within == (tuple(alone.value), ("california_public_agency",))
    assert [reference.rule for reference in recipients.references] == [None, "ca-3"]


def test_the_statutes_log_fields_are_added_to_the_policys() -> None:
    value = load("hermosa-beach").effective("audit.log_fields").value
    assert value[:3] == ["name", "date", "time"]
    assert {"username", "purpose", "plate_or_other_query_elements", "organisation_if_applicable"} <= set(value)
    assert len(value) == len(set(value))


def test_posting_is_required_where_the_policy_forgets_it() -> None:
    field = "public_posting.policy_posted_conspicuously_on_website"
    assert load("long-beach").effective(field).required
    assert load("hermosa-beach").effective(field).value is True


def test_what_nobody_says_is_not_stated_and_a_field_that_no_policy_has_is_an_error() -> None:
    found = load("hermosa-beach").effective("use.personal_use")
    assert (found.value, found.force, found.references) == (None, "not_stated", ())
    for field in ("query.resaon", "retention.rules", "nonsense"):
        with pytest.raises(NotFound, match=field):
            load("hermosa-beach").effective(field)


def test_a_floor_of_the_law_is_flagged_for_counsel_and_changes_no_date() -> None:
    profile = load("hermosa-beach")
    assert profile.effective("retention.floor").counsel == ("ca-14",)
    assert "ca-14" in [one.id for one in profile.open_decisions()]
    assert profile.floor("own", "flock", None, CAPTURED, CAPTURED) is None


def test_the_same_overlays_in_another_order_say_the_same(plainly: Plainly) -> None:
    data, overlays = plainly("palm-springs"), [load_overlay(name) for name in built_in()]
    one, other = Profile(data, overlays), Profile(data, overlays[::-1])
    assert [one.effective(name) for name in one.fields()] == [other.effective(name) for name in one.fields()]


def test_an_unknown_profile_is_refused_by_name() -> None:
    with pytest.raises(NotFound, match="hermosa-beach"):
        load("atlantis")


def references(profile: Profile) -> set[str]:
    """The clauses of the department's own policy that a profile cites, without paragraphs and sentences."""
    cited = {rule.clause for rule in profile.rules}
    for name in profile.fields():
        cited |= {one.clause for one in profile.effective(name).references if one.layer == "agency"}
    return {section(one) for clause in cited for one in re.split(r"; | with ", clause) if re.match(r"\d", one)}


def section(clause: str) -> str:
    found = re.match(r"[\d.]+", clause)
    assert found is not None
    return found[0]


def test_every_section_that_a_profile_cites_is_in_the_list_of_clauses() -> None:
    known = defaultdict(set)
    with DATA.joinpath("clauses.csv").open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            known[row["agency"]] |= {section(one) for one in re.split(r"; ", row["clause"]) if re.match(r"\d", one)}
    assert len(known) == 5
    for name in FIVE:
        profile = load(name)
        agency = profile.agency.removesuffix(" Police Department")
        assert references(profile) <= known[agency], agency


def test_operations_of_the_california_overlay_are_all_in_some_answer() -> None:
    profile = load("hermosa-beach")
    answered = {one.rule for name in profile.fields() for one in profile.effective(name).references}
    operations: tuple[Operation, ...] = load_overlay("us-ca").operations
    assert {one.id for one in operations} <= answered
