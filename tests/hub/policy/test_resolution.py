"""Resolution: whichever rules come in whatever order, the answer is one, and no ceiling of it is passed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from hub.policy.durations import Duration
from hub.policy.effective import FORCES, resolve
from hub.policy.overlay import Operation
from hub.policy.resolution import choose, conflict_id
from hub.policy.rules import AGENCY, Limit, Rule

ZONE = ZoneInfo("America/Los_Angeles")
START = datetime(2024, 1, 1, tzinfo=UTC)
CAPTURED = st.timedeltas(timedelta(), timedelta(days=1500)).map(lambda since: START + since)
LATE = st.timedeltas(timedelta(), timedelta(days=90))
PERIODS = st.sampled_from(["PT3M", "P7D", "P30D", "P1M", "P1Y", "P365D", "P24M"])
LIMITS = st.none() | st.builds(
    lambda text, clock: Limit(Duration.parse(text), clock, text),
    PERIODS,
    st.sampled_from(["captured_at", "received_at"]),
)
ORIGIN, VENDOR, COPY = "own", "flock", "hub"


def rule(
    ident: str, layer: str = AGENCY, vendor: str | None = None, most: Limit | None = None, least: Limit | None = None,
    origin: str | None = None, copy: str | None = None, linked: bool | None = None,
) -> Rule:  # fmt: skip
    return Rule(ident, layer, origin, vendor, linked, copy, most, least, None, "purge", "shall", f"clause {ident}")


def limit(text: str, clock: str = "captured_at") -> Limit:
    return Limit(Duration.parse(text), clock, text)  # type: ignore[arg-type]


@st.composite
def sets_of_rules(draw: st.DrawFn) -> list[Rule]:
    names: Iterator[int] = count()
    return draw(
        st.lists(
            st.builds(
                lambda *said: rule(f"r{next(names)}", *said),
                st.sampled_from([AGENCY, "us-ca", "contract"]),
                st.sampled_from([None, "flock", "motorola"]),
                LIMITS,
                LIMITS,
                st.sampled_from([None, "own", "commercial"]),
                st.sampled_from([None, "hub", "vendor"]),
                st.sampled_from([None, None, False]),
            ),
            max_size=8,
        )
    )


@given(sets_of_rules(), st.randoms(use_true_random=False), CAPTURED, LATE)
def test_the_order_of_the_rules_changes_nothing(rules: list[Rule], dice: object, at: datetime, late: timedelta) -> None:
    shuffled = list(rules)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = choose(rules, ORIGIN, VENDOR, COPY), choose(shuffled, ORIGIN, VENDOR, COPY)
    assert one == other == choose(rules, ORIGIN, VENDOR, COPY)
    assert one.bounds(at, at + late, ZONE) == other.bounds(at, at + late, ZONE)


@given(sets_of_rules(), CAPTURED, LATE)
def test_nothing_lives_past_a_ceiling_or_may_go_before_a_floor(
    rules: list[Rule], at: datetime, late: timedelta
) -> None:
    chosen = choose(rules, ORIGIN, VENDOR, COPY)
    bounds = chosen.bounds(at, at + late, ZONE)
    for linked in (False, True):
        end = chosen.end(at, at + late, ZONE, linked)
        assert end == bounds.end(linked)
        for one in (*chosen.ceilings, *(() if linked else chosen.unlinked)):
            assert end is not None
            assert end.at <= one.ends(at, at + late, ZONE)
    for one in chosen.floors:
        assert bounds.floor is not None
        assert bounds.floor.at >= one.frees(at, at + late, ZONE)


@given(sets_of_rules(), CAPTURED, LATE, st.sampled_from(["us-ca", "contract"]), PERIODS)
def test_another_layers_ceiling_only_ever_shortens(
    rules: list[Rule], at: datetime, late: timedelta, layer: str, text: str
) -> None:
    others = [one for one in rules if one.layer != layer]
    before = choose(others, ORIGIN, VENDOR, COPY).end(at, at + late, ZONE, linked=False)
    more = [*others, rule("more", layer, most=limit(text))]
    after = choose(more, ORIGIN, VENDOR, COPY).end(at, at + late, ZONE, linked=False)
    assert after is not None
    assert before is None or after.at <= before.at


@given(sets_of_rules(), CAPTURED, LATE)
def test_what_no_agency_rule_speaks_of_gets_the_strictest_of_its_ceilings(
    rules: list[Rule], at: datetime, late: timedelta
) -> None:
    strange = [one for one in rules if one.vendor is not None]
    end = choose(strange, ORIGIN, "somebody", COPY).end(at, at + late, ZONE, linked=True)
    every = [one for one in strange if one.layer == AGENCY and one.linked is None and one.max is not None]
    assert (end is None) == (not every)
    if end is not None:
        assert end.at == min(one.ends(at, at + late, ZONE) for one in every)


def test_a_rule_that_names_the_vendor_goes_before_one_that_names_none() -> None:
    rules = [rule("any", most=limit("P30D")), rule("flock", vendor="flock", most=limit("P1Y"))]
    assert [one.id for one in choose(rules, ORIGIN, "flock", COPY).ceilings] == ["flock"]
    assert [one.id for one in choose(rules, ORIGIN, "rekor", COPY).ceilings] == ["any"]


def test_a_vendors_own_ceiling_does_not_hide_the_floor_for_everybody() -> None:
    rules = [rule("any", least=limit("P1Y", "received_at")), rule("flock", vendor="flock", most=limit("P30D"))]
    chosen = choose(rules, ORIGIN, "flock", COPY)
    assert [one.id for one in (*chosen.ceilings, *chosen.floors)] == ["flock", "any"]
    assert chosen.bounds(START, START, ZONE).conflict


@given(CAPTURED, LATE, st.sampled_from(["floor", "ceiling"]))
def test_a_signed_conflict_is_settled_the_way_it_was_signed(at: datetime, late: timedelta, kept: str) -> None:
    chosen = choose([rule("most", most=limit("P30D")), rule("least", least=limit("P1Y"))], ORIGIN, VENDOR, COPY)
    open_ = chosen.bounds(at, at + late, ZONE)
    assert open_.conflict
    settled = chosen.bounds(at, at + late, ZONE, {conflict_id("least", "most"): kept})
    assert not settled.conflict
    assert settled.ceiling is not None
    assert settled.floor is not None
    which = open_.floor if kept == "floor" else open_.ceiling
    assert which is not None
    assert settled.ceiling.at == settled.floor.at == which.at


OPERATIONS = st.lists(
    st.builds(
        lambda layer, ident, op, values: Operation(layer, f"o{ident}", "f.g", op, tuple(values), "law", None),
        st.sampled_from(["us-ca", "us-cjis", "us-nv"]),
        st.integers(0, 5),
        st.sampled_from(["union", "require", "intersect", "prohibit", "permit", "flag_for_counsel"]),
        st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True),
    ),
    max_size=6,
    unique_by=lambda one: (one.layer, one.id),
)
SAID = st.none() | st.fixed_dictionaries(
    {
        "v": st.sampled_from([True, False, "required", "required_if_applicable", "prohibited", "words"])
        | st.lists(st.sampled_from("abc"), min_size=1, unique=True),
        "force": st.sampled_from(FORCES[1:]),
        "ref": st.just("429.1"),
    }
)


@given(SAID, OPERATIONS, st.randoms(use_true_random=False))
def test_overlays_come_to_one_answer_in_any_order(said: dict[str, object], made: list[Operation], dice: object) -> None:
    shuffled = list(made)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    found = resolve("f.g", said, made)
    assert found == resolve("f.g", said, shuffled)
    ops = {one.op for one in made}
    assert found.stated == (said["v"] if said else None)
    assert FORCES.index(found.force) >= FORCES.index(said["force"] if said else "not_stated")  # type: ignore[arg-type]
    assert {one.id for one in made} == {one.rule for one in found.references if one.layer != AGENCY}
    if "prohibit" in ops:
        assert found.prohibited
    elif "require" in ops:
        assert found.value not in (None, False, "required_if_applicable")
    for one in made:
        if one.op == "intersect":
            assert one.values in found.within
