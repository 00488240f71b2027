"""What is wrong with settings is said in words: every fault at once, by name, with what would be right."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from connectors.faults import faults, first, told, unknown
from connectors.mapping.mapping import Mapping
from connectors.registry import available, connector

SECRET = "s3cret-in-the-wrong-field"


class Pace(StrEnum):
    SLOW = "slow"
    FAST = "fast"


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")

    base_url: str = Field(description="The service's address.")
    api_key: SecretStr = SecretStr("x")
    count: int = Field(3, ge=1, le=9)
    share: float = Field(0.5, gt=0, lt=1)
    code: str = Field("abc", min_length=2, max_length=3, pattern="^[a-z]*$", description="Small letters.")
    day: date | None = None
    at: datetime | None = None
    zoned: AwareDatetime | None = None
    zone: ZoneInfo = ZoneInfo("UTC")
    mode: Literal["own", "theirs"] | None = None
    pace: Pace = Pace.SLOW
    numbers: tuple[int, ...] = ()
    by_name: dict[str, int] = {}
    on: bool = False
    map: Mapping | None = None


def said(**given: Any) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        Model.model_validate({"base_url": "https://vendor.example", **given})
    return [str(one) for one in faults(refused.value, Model, "acme")]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"count": 0}, "count: must be 1 or more"),
        ({"count": 10}, "count: must be 9 or less"),
        ({"count": "many"}, "count: must be a whole number"),
        ({"count": 1.5}, "count: must be a whole number"),
        ({"share": 0}, "share: must be more than 0"),
        ({"share": 1}, "share: must be less than 1"),
        ({"code": "a"}, "code: must have at least 2 characters"),
        ({"code": "abcd"}, "code: must have at most 3 characters"),
        ({"code": "ABC"}, "code: is not written as it should be: Small letters"),
        ({"day": "soon"}, "day: must be a day such as 2026-06-01"),
        ({"at": "soon"}, "at: must be a time such as 2026-06-01T12:00:00Z"),
        ({"zoned": "2026-06-01T12:00:00"}, "zoned: must be a time with a zone such as 2026-06-01T12:00:00Z"),
        ({"zone": "Moon/Sea"}, "zone: must be a time zone such as America/Los_Angeles"),
        ({"zone": 3}, "zone: must be a time zone such as America/Los_Angeles"),
        ({"mode": "x"}, "mode: must be one of own or theirs"),
        ({"pace": "x"}, "pace: must be one of slow or fast"),
        ({"numbers": ["x"]}, "numbers.0: must be a whole number"),
        ({"by_name": {"q": "x"}}, "by_name.q: must be a whole number"),
        ({"on": "perhaps"}, "on: must be true or false"),
        ({"api_key": 3}, "api_key: must be text"),
        ({"base_url": None}, "base_url: must be text"),
        ({"map": 3}, "map: must be an object of names and values"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_what_would_be_right(given: dict[str, Any], sentence: str) -> None:
    assert said(**given) == [sentence]


def test_a_name_that_nothing_has_is_told_the_nearest_and_all_that_there_are() -> None:
    (only,) = said(baseurl="https://vendor.example")
    assert only.startswith("no setting is called 'baseurl'; did you mean 'base_url'? acme has: base_url, api_key, ")
    (only,) = said(url="https://vendor.example")
    assert "did you mean 'base_url'?" in only
    assert unknown("nothing_like_it", ["base_url"], "acme has") == (
        "no setting is called 'nothing_like_it'. acme has: base_url"
    )


def test_every_fault_is_told_at_once_and_the_names_that_there_are_only_once() -> None:
    with pytest.raises(ValidationError) as refused:
        Model.model_validate({"count": 0, "shar": 1, "cod": 2})
    missing, count, *unknown_ones = map(str, faults(refused.value, Model, "acme"))
    assert missing == "base_url is missing: The service's address"
    assert count == "count: must be 1 or more"
    assert [one.count("acme has") for one in unknown_ones] == [1, 0]


def test_what_lies_deeper_is_named_by_its_path_and_by_no_step_of_the_machinery() -> None:
    told_ = said(map={"plate": {"pth": 3}, "captured_at": "t", "camera_id": {"path": "c", "case": "high"}})
    assert told_[0] == "map.plate.path is missing"
    assert told_[1].startswith("no setting is called 'pth' in map.plate; did you mean 'path'? map.plate has: path")
    assert told_[2:] == ["map.camera_id.case: must be one of upper or lower"]


def test_what_a_model_says_itself_is_told_as_it_says_it() -> None:
    with pytest.raises(ValidationError) as refused:
        Mapping.model_validate("[")
    assert first(refused.value, Mapping, "map").where == "map"
    assert str(faults(refused.value, Mapping)[0]).startswith("is no JSON object")


def test_twenty_are_told_and_the_rest_counted() -> None:
    assert told([str(number) for number in range(100)]).endswith("19; and 80 more")


@pytest.mark.parametrize("key", available())
def test_no_setting_of_any_connector_is_refused_in_the_words_of_a_library_or_with_what_was_typed(key: str) -> None:
    model = connector(key).Settings
    for wrong in ([SECRET], {"a": SECRET}, 3.5, SECRET, None, -1):
        given = dict.fromkeys(model.model_fields, wrong)
        try:
            model.model_validate({**given, "nonsense": SECRET})
        except ValidationError as refused:
            text = "; ".join(map(str, faults(refused, model, key)))
        assert SECRET not in text
        for word in (
            "Input should",
            "Field required",
            "Extra inputs",
            "Value error",
            "a valid ",
            "String should",
            "type=",
        ):
            assert word not in text, text
