"""Pictures beside rows: rows never wait, the nearest deadline comes first, and who does not answer is left alone."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from plain import PlainConnector, record, write_page
from sqlalchemy import text

import hub.ingest.fetching as fetching
import hub.ingest.pictures as beside
from connectors.contract import Document
from connectors.errors import HostNotAllowed, TryAgain
from hub.clock import SetClock
from hub.errors import Stopped
from hub.people import Actor
from hub.wiring import Hub
from normalize.read import ImageRef

AT = "2026-06-01T11:00:00Z"
JPEG = b"\xff\xd8\xff of a car"
GOOD, DOWN = "https://pictures.example", "https://down.example"
Fetch = Callable[[Any, ImageRef], bytes]


@pytest.fixture
def asked() -> list[str]:
    """The addresses that were asked for, in their order."""
    return []


@pytest.fixture
def serves(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> Callable[[Fetch], None]:
    """Let the vendor serve pictures in some way."""

    def serve(how: Fetch) -> None:
        def fetch_image(self: Any, image: ImageRef) -> bytes:
            asked.append(image.url or "")
            return how(self, image)

        monkeypatch.setattr(PlainConnector, "fetch_image", fetch_image, raising=False)

    return serve


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "THREADS", 1)


def is_there(_: Any, image: ImageRef) -> bytes:
    """The good host answers, the other is down."""
    if (image.url or "").startswith(DOWN):
        raise TryAgain("no connection")
    return JPEG


def page(folder: Path, *urls: str, number: int = 1, **more: Any) -> None:
    """A page of reads whose pictures lie at these addresses."""
    records = [
        record(100 * number + index, f"7ZZZ{index:03d}", AT, picture_url=url, **more) for index, url in enumerate(urls)
    ]
    write_page(folder, number, records)


def states(hub: Hub) -> list[str]:
    with hub.store.read() as connection:
        return list(connection.scalars(text("SELECT state FROM images ORDER BY id")))


def test_all_rows_are_kept_and_visible_while_the_first_picture_has_not_come(
    opened: Hub, actor: Actor, feed: Path, serves: Any
) -> None:
    all_rows = Event()
    serves(lambda *_: JPEG if all_rows.wait(20) else b"")
    for number in (1, 2, 3):
        page(feed, f"{GOOD}/{number}.jpg", number=number)

    def told(now: Any) -> None:
        with opened.store.read() as connection:
            if connection.scalar(text("SELECT count(*) FROM reads")) == 3:
                all_rows.set()

    done = opened.ingest.sync.run(actor, "feed", progress=told)
    assert (done.stored, done.pictures, done.pictures_left) == (3, 3, 0)
    assert all_rows.is_set()
    assert states(opened) == ["stored"] * 3


def test_another_run_may_begin_while_pictures_are_still_fetched(
    opened: Hub, actor: Actor, feed: Path, serves: Any
) -> None:
    other_run = Event()
    serves(lambda *_: JPEG if other_run.wait(20) else b"")
    page(feed, f"{GOOD}/1.jpg")
    ended: list[int] = []

    def told(now: Any) -> None:
        with opened.store.read() as connection:
            over = connection.scalar(text("SELECT count(*) FROM runs WHERE outcome = 'done'"))
        if over and not ended:
            ended.append(1)
            ended.append(opened.ingest.sync.run(actor, "feed").pulled)
            other_run.set()

    assert opened.ingest.sync.run(actor, "feed", progress=told).pictures == 1
    assert ended == [1, 1]


def test_pictures_that_another_process_fetches_are_left_to_it(
    opened: Hub, actor: Actor, feed: Path, serves: Any, asked: list[str]
) -> None:
    serves(is_there)
    page(feed, f"{GOOD}/1.jpg")
    ident = opened.connections.accounts.open("feed")[0].id
    with opened.store.lease(f"pictures-{ident}"):
        done = opened.ingest.sync.run(actor, "feed")
    assert (asked, done.stored, done.pictures, done.pictures_left) == ([], 1, 0, 1)
    assert opened.ingest.sync.run(actor, "feed").pictures == 1


@pytest.mark.usefixtures("one_thread")
def test_the_address_that_ends_first_is_asked_first_and_those_without_an_end_last(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, serves: Any, asked: list[str]
) -> None:
    serves(is_there)
    hours = {f"{GOOD}/3.jpg": 3, f"{GOOD}/1.jpg": 1, f"{GOOD}/2.jpg": 2}
    records = []
    for number, (url, hour) in enumerate(hours.items()):
        ends = (clock.now() + timedelta(hours=hour)).isoformat()
        records.append(record(number, f"7ZZZ{number:03d}", AT, picture_url=url, picture_until=ends))
    write_page(feed, 1, [record(9, "7ZZZ009", AT, picture_url=f"{GOOD}/never.jpg"), *records])
    opened.ingest.sync.run(actor, "feed")
    assert asked == [f"{GOOD}/{name}.jpg" for name in ("1", "2", "3", "never")]


@pytest.mark.usefixtures("one_thread")
def test_a_host_that_is_down_is_given_up_and_keeps_nobody_elses_pictures_waiting(
    opened: Hub, actor: Actor, feed: Path, serves: Any, asked: list[str]
) -> None:
    serves(is_there)
    page(feed, *(f"{DOWN}/{number}.jpg" for number in range(50)), *(f"{GOOD}/{number}.jpg" for number in range(5)))
    done = opened.ingest.sync.run(actor, "feed")
    assert (done.stored, done.pictures, done.pictures_failed, done.pictures_left) == (55, 5, fetching.FAILURES, 50)
    assert sum(url.startswith(DOWN) for url in asked) == fetching.FAILURES


@pytest.mark.usefixtures("one_thread")
def test_pictures_at_a_host_that_is_not_allowed_are_counted_the_host_is_named_and_they_come_once_it_is(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, serves: Any, asked: list[str]
) -> None:
    def allowed(_: Any, image: ImageRef) -> bytes:
        if "elsewhere.example" in (image.url or ""):
            raise HostNotAllowed("the host is not allowed")
        return JPEG

    serves(allowed)
    page(feed, *(f"https://elsewhere.example/{number}.jpg" for number in range(20)), f"{GOOD}/1.jpg")
    for _ in range(2):
        done = opened.ingest.sync.run(actor, "feed")
        assert (done.pictures_not_allowed, done.pictures_failed, done.pictures_left) == (20, 0, 0)
        assert opened.ingest.pictures_due.not_allowed("feed") == {"elsewhere.example": 20}
    assert sum("elsewhere" in url for url in asked) == 2, "one picture a run is enough to know"
    assert opened.ingest.pictures_due.run()["not_allowed"] == 20
    assert opened.connections.showing.of("feed").picture_hosts_not_allowed == {"elsewhere.example": 20}
    (card,) = [one for one in opened.connections.health.of("feed").cards if one.code == "pictures_elsewhere"]
    assert card.happened == "20 pictures of feed lie at hosts that it may not ask: elsewhere.example (20)."
    assert not card.needs_person
    serves(is_there)
    assert opened.ingest.pictures_due.run()["fetched"] == 20
    assert opened.ingest.pictures_due.not_allowed() == {}
    assert "pictures_elsewhere" not in {one.code for one in opened.connections.health.of("feed").cards}


def test_the_card_of_a_host_that_is_not_allowed_names_the_command_that_allows_it_beside_the_others(
    opened: Hub, actor: Actor
) -> None:
    settings = {
        "map": '{"plate": "p", "captured_at": "t", "camera_id": "c", "image": "i"}',
        "webhook_secret": "s3cret-of-the-gate",
    }
    given = {**settings, "image_hosts": ["a.example"]}
    opened.connections.accounts.add(actor, "gate", "generic_webhook", given, check=False)
    (gate,) = [account for account in opened.connections.accounts.list() if account.name == "gate"]
    sends = opened.connections.accounts.open("gate")[1]
    body = b'{"p": "7ZZZ001", "t": "2026-06-01T11:00:00Z", "c": "pier", "i": "https://b.example/1.jpg"}'
    opened.ingest.intake.take(sends, gate.id, sends.unpack(Document(body, "application/json")), obtained="push")
    opened.ingest.pictures_due.run()
    (card,) = [one for one in opened.connections.health.of("gate").cards if one.code == "pictures_elsewhere"]
    assert card.command == """alprhub connections change gate --set 'image_hosts=["a.example","b.example"]'"""


@pytest.mark.usefixtures("one_thread")
def test_one_fetching_fails_at_so_many_pictures_and_leaves_the_others_for_the_next(
    opened: Hub, actor: Actor, feed: Path, serves: Any, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MOST_TRIED", 12)
    monkeypatch.setattr(fetching, "TOGETHER", 4)
    serves(lambda *_: (_ for _ in ()).throw(TryAgain("no connection")))
    page(feed, *(f"https://host-{number}.example/picture.jpg" for number in range(30)))  # no host fails twice
    done = opened.ingest.sync.run(actor, "feed")
    assert (len(asked), done.pictures_failed, done.pictures_left) == (12, 12, 30)


@pytest.mark.usefixtures("one_thread")
def test_a_host_that_was_given_up_is_asked_by_the_next_run_and_then_after_ever_longer_pauses(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, serves: Any, asked: list[str]
) -> None:
    serves(is_there)
    page(feed, *(f"{DOWN}/{number}.jpg" for number in range(9)))
    opened.ingest.sync.run(actor, "feed")
    counts = []
    for minutes in (0, 0, 1, 1, 1):
        clock.advance(timedelta(minutes=minutes))
        before = len(asked)
        opened.ingest.sync.run(actor, "feed")
        counts.append(len(asked) - before)
    assert counts == [1, 0, 1, 0, 1]  # one question tells whether it is back; at once, after one minute, after two
    serves(lambda *_: JPEG)
    clock.advance(timedelta(minutes=4))
    assert opened.ingest.sync.run(actor, "feed").pictures == 9
    with opened.store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM picture_hosts")) == 0


def test_the_budget_ends_the_fetching_and_the_rest_is_left_for_the_next_time(
    opened: Hub, actor: Actor, feed: Path, serves: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "LOOK_UP", 0.001)
    serves(lambda *_: (_ for _ in ()).throw(TryAgain("later")))
    page(feed, *(f"{GOOD}/{number}.jpg" for number in range(40)))
    opened.ingest.sync.run(actor, "feed")
    slowly = Event()
    serves(lambda *_: JPEG if not slowly.wait(0.02) else b"")
    account, connector = opened.connections.accounts.open("feed")
    done = opened.ingest.pictures.fetch(connector, account.id, timedelta(0))
    assert done.left > 0
    assert done.fetched + done.left == 40
    serves(lambda *_: JPEG)
    assert opened.ingest.pictures.fetch(connector, account.id).left == 0


def test_one_picture_is_waited_for_no_longer_than_its_share(
    opened: Hub, actor: Actor, feed: Path, serves: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PER_PICTURE", timedelta(seconds=30))
    left: list[float] = []
    serves(lambda connector, _: left.append(connector.frame.patience()) or JPEG)
    page(feed, f"{GOOD}/1.jpg")
    opened.ingest.sync.run(actor, "feed")
    assert 0 < left[0] <= 30


def test_the_file_of_a_read_that_was_purged_meanwhile_does_not_stay(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, serves: Any
) -> None:
    def purged(*_: Any) -> bytes:
        clock.advance(timedelta(days=31))
        opened.retention.expired.purge(actor)
        return JPEG

    serves(purged)
    page(feed, f"{GOOD}/1.jpg")
    assert opened.ingest.sync.run(actor, "feed").pictures == 0
    assert list(opened.ingest.images.stored()) == []


def test_whoever_stops_a_run_at_its_pictures_keeps_its_rows_and_the_run_is_done(
    opened: Hub, actor: Actor, feed: Path, serves: Any
) -> None:
    stopped = Event()
    serves(lambda *_: JPEG if stopped.wait(20) else b"")
    page(feed, f"{GOOD}/1.jpg")

    def told(now: Any) -> None:
        with opened.store.read() as connection:
            if connection.scalar(text("SELECT count(*) FROM runs WHERE outcome = 'done'")):
                stopped.set()
                raise Stopped("somebody stopped it")

    with pytest.raises(Stopped):
        opened.ingest.sync.run(actor, "feed", progress=told)
    with opened.store.read() as connection:
        assert connection.execute(text("SELECT outcome, stored FROM runs")).all() == [("done", 1)]


@pytest.mark.usefixtures("one_thread")
def test_the_job_fetches_what_runs_have_left_for_every_active_connection(
    opened: Hub, actor: Actor, feed: Path, tmp_path: Path, serves: Any, asked: list[str]
) -> None:
    serves(lambda *_: (_ for _ in ()).throw(TryAgain("no connection")))
    names = ("feed", "second", "paused")
    for name in names[1:]:
        (tmp_path / name).mkdir()
        opened.connections.accounts.add(actor, name, "plain", {"folder": str(tmp_path / name)})
    for name in names:
        page(tmp_path / name, f"{GOOD}/{name}.jpg")
        opened.ingest.sync.run(actor, name)
    opened.connections.accounts.pause(actor, "paused", "a reason")
    serves(is_there)
    asked.clear()
    assert opened.ingest.pictures_due.run() == {"fetched": 2, "gone": 0, "failed": 0, "left": 0, "not_allowed": 0}
    assert sorted(asked) == [f"{GOOD}/feed.jpg", f"{GOOD}/second.jpg"]
    assert opened.ingest.pictures_due.run() == {"fetched": 0, "gone": 0, "failed": 0, "left": 0, "not_allowed": 0}
