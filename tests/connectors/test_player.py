"""The player: recorded exchanges in place of a vendor."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.contract import Window
from connectors.errors import AdminMustFix, TryAgain
from connectors.testing import frame_at
from connectors.testing.player import Exchange, Unexpected, played
from connectors.vendors.rekor import RekorConnector, RekorSettings
from normalize.read import ImageKind, ImageRef

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = "s3cret-of-scout"
SEARCH = Path(__file__).parents[1] / "vendors" / "rekor" / "search.json"


def _scout(slept: list[float] | None = None) -> RekorConnector:
    told = RekorSettings(api_key=KEY, requests_per_second=1e6)  # type: ignore[arg-type]
    return RekorConnector(told, frame_at(NOW, slept))


def test_a_pull_is_played_from_a_file_beside_its_examples(tmp_path: Path) -> None:
    (tmp_path / "found.json").write_bytes(SEARCH.read_bytes())
    exchanges = [
        {"method": "GET", "path": "/api/search/plate", "file": "found.json"},
        {"method": "GET", "path": "/api/search/plate", "text": "[]"},
    ]
    (tmp_path / "pull.json").write_text(json.dumps(exchanges))
    with played(tmp_path / "pull.json") as wire:
        pages = list(_scout().pull(Window(NOW - timedelta(days=400), NOW)))
    assert sum(len(page.records) for page in pages) == len(json.loads(SEARCH.read_text()))
    assert wire.asked == ["GET /api/search/plate"] * 2


def test_what_is_not_recorded_fails_by_method_and_path_and_never_by_its_query() -> None:
    with pytest.raises(Unexpected) as refused, played():
        _scout().check()
    assert str(refused.value) == "nothing is recorded, or left, for GET /api/search/plate"
    assert KEY not in str(refused.value)


def test_an_answer_that_nobody_asked_for_fails() -> None:
    answers = Exchange("GET", "/api/search/plate", text="[]"), Exchange("GET", "/api/cameras/", text="[]")
    with pytest.raises(Unexpected, match="never asked for: GET /api/cameras/"), played(*answers):
        _scout().check()


def test_a_failure_of_the_test_itself_is_not_hidden_by_what_was_left() -> None:
    with pytest.raises(ZeroDivisionError), played(Exchange("GET", "/a")):
        raise ZeroDivisionError


def test_each_answer_is_given_once_in_its_order_and_to_the_query_it_names() -> None:
    answers = (
        Exchange("GET", "/api/search/plate", query={"topn": "7"}, text="[]"),
        Exchange("GET", "/api/search/plate", query={"topn": "1"}, status=401),
    )
    with pytest.raises(AdminMustFix), played(*answers):
        _scout().check()


def test_a_throttle_is_played_with_its_header() -> None:
    slept: list[float] = []
    answers = [
        Exchange("GET", "/api/search/plate", status=429, headers={"Retry-After": "7"}),
        Exchange("GET", "/api/search/plate", text="[]"),
    ]
    with played(*answers):
        _scout(slept).check()
    assert 7.0 in slept
    with (
        pytest.raises(TryAgain),
        played(Exchange("GET", "/api/search/plate", status=429, headers={"Retry-After": "9999"})),
    ):
        _scout().check()


def test_bytes_are_played_as_they_are() -> None:
    picture = b"\xff\xd8\xff\x00picture"
    with played(Exchange("GET", "/img/7/a b", base64=b64encode(picture).decode())):
        image = ImageRef(kind=ImageKind.FRAME, url="/img/7/a%20b")
        assert _scout().fetch_image(image) == picture


def test_a_file_that_is_no_recording_says_where(tmp_path: Path) -> None:
    (tmp_path / "pull.json").write_text('[{"method": "GET"}]')
    with pytest.raises(ValueError, match=r"pull\.json: .*path"), played(tmp_path / "pull.json"):
        pass


def test_a_clock_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        frame_at(datetime(2026, 6, 1))  # noqa: DTZ001
