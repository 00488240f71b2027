"""Where the plates of a hot-list file are from: by whose codes, and by which country."""

from zoneinfo import ZoneInfo

import pytest

from hub.errors import Invalid
from hub.hotlists.files import entries_of
from normalize.states import Codes

ZONE = ZoneInfo("America/Los_Angeles")
TERMS = {"reason": "stolen", "case_number": "26-1"}


def read(header: str, *rows: str, codes: Codes | None = None) -> list[tuple[str | None, str | None]]:
    """The state and country of each entry."""
    text = "\n".join([f"plate,{header}", *(f"9SYN00{number},{row}" for number, row in enumerate(rows))])
    return [(entry.state, entry.country) for entry in entries_of(text.encode(), ZONE, TERMS, codes=codes)]


def test_a_file_of_the_posts_codes_needs_nothing_said() -> None:
    assert read("state", "CA", "NE", "ON", "us-nv", "Nebraska", "") == [
        ("US-CA", None), ("US-NE", None), ("CA-ON", None), ("US-NV", None), ("US-NE", None), (None, None),
    ]  # fmt: skip


@pytest.mark.parametrize(("code", "state"), [("GM", "US-GU"), ("NK", "CA-NB"), ("PQ", "CA-QC"), ("AM", "US-AS")])
def test_a_code_that_only_ncic_has_is_what_it_is_there(code: str, state: str) -> None:
    assert read("state", code, "CA") == [(state, None), ("US-CA", None)]


@pytest.mark.parametrize(
    ("code", "by_post", "by_ncic"),
    [("NB", "New Brunswick", "Nebraska"), ("GU", "Guam", "Guanajuato"), ("NL", "Newfoundland", "Nuevo Leon")],
)
def test_a_code_of_two_states_is_asked_for_and_never_guessed(code: str, by_post: str, by_ncic: str) -> None:
    told = rf"line 2: state: '{code}' is {by_post}.* by the post's codes and {by_ncic} by NCIC's codes: say .*--codes"
    with pytest.raises(Invalid, match=told):
        read("state", code)


@pytest.mark.parametrize(("codes", "state"), [(Codes.NCIC, "US-NE"), (Codes.POSTAL, "CA-NB")])
def test_whoever_imports_says_whose_codes_the_file_has(codes: Codes, state: str) -> None:
    assert read("state", "NB", "CA", codes=codes) == [(state, None), ("US-CA", None)]


@pytest.mark.parametrize("column", ["LIS", "NCIC State", "state (NCIC)"])
def test_a_column_of_ncics_own_name_has_ncics_codes(column: str) -> None:
    assert read(column, "NB", "MM", "GE", "US") == [("US-NE", None), (None, "MX"), (None, "DE"), (None, "US")]


def test_ncics_name_for_the_plate_is_known_too() -> None:
    (entry,) = entries_of(b"LIC,LIS\n9SYN001,NB\n", ZONE, TERMS)
    assert (entry.plate, entry.state) == ("9SYN001", "US-NE")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("NB,CA", ("CA-NB", None)), ("CA,US", ("US-CA", None)), (",DE", (None, "DE")), (",Mexico", (None, "MX")),
        ("BAYERN,DE", (None, "DE")), ("Jalisco,MEX", ("MX-JAL", None)), ("Mexico,", (None, "MX")),
    ],
)  # fmt: skip
def test_an_entry_may_say_a_country(row: str, expected: tuple[str | None, str | None]) -> None:
    assert read("state,country", row) == [expected]


@pytest.mark.parametrize(
    ("row", "codes", "complaint"),
    [
        ("CA,MX", None, "state: 'CA' is no state of MX that is known here; write it as CA or California"),
        ("Atlantis,", None, "state: 'Atlantis' is no state that is known here"),
        (",Atlantis", None, "country: 'Atlantis' is no country that is known here; write it as MX, MEX or Mexico"),
        (
            "NE,",
            Codes.NCIC,
            r"state: 'NE' is no state by NCIC's codes; by the post's codes \(--codes postal\) it is Nebr",
        ),
        (
            "GM,",
            Codes.POSTAL,
            r"state: 'GM' is no state by the post's codes; by NCIC's codes \(--codes ncic\) it is Guam",
        ),
        ("CH,", None, r"state: 'CH' is no state; by NCIC's codes \(--codes ncic\) it is Chihuahua"),
    ],
)
def test_a_word_that_names_nothing_is_refused_with_what_would_be_right(
    row: str, codes: Codes | None, complaint: str
) -> None:
    with pytest.raises(Invalid, match=complaint):
        read("state,country", row, codes=codes)
