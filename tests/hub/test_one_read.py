"""One read in full and its picture: asked with a reason, on record before it leaves, gone when its time is up."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from plain import record, write_page
from sqlalchemy import text

from hub.clock import SetClock
from hub.errors import IntegrityBroken, Invalid, NotFound, PolicyRefused
from hub.hotlists.lists import NewEntry
from hub.people import Actor, Why
from hub.search.query import Query
from hub.wiring import Hub

WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")


@pytest.fixture
def kept(opened: Hub, actor: Actor, feed: Path) -> Hub:
    """A read with a picture, other readings, words for its vehicle and a hit; and a read with nothing but a plate."""
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("7SYN001", "Stolen vehicle", "26-7", "US-NV")])
    write_page(
        feed,
        1,
        [
            record(
                1, "7SYN001", "2026-06-01T11:00:00Z", picture="\x89 not quite a picture", make="Toyota",
                colour="Silver", body="Sedan", candidates=[["7SYN00I", 0.4]], lat=33.86, lon=-118.4,
            ),
            record(2, "7SYN002", "2026-06-01T11:01:00Z"),
        ],
    )  # fmt: skip
    opened.ingest.sync.run(actor, "feed")
    return opened


def ident_of(hub: Hub, actor: Actor, plate: str) -> int:
    (row,) = hub.search.reads.find(actor, Query(WHY, plates=(plate,))).rows
    return row.id


def newest(hub: Hub) -> tuple[Any, ...]:
    event = hub.audit.events(1)[0]
    return event["action"], event["outcome"], event["results"], event["case_number"], event["detail"].get("read")


def test_what_arrived_damaged_is_said_with_the_read(opened: Hub, actor: Actor, feed: Path) -> None:
    write_page(feed, 1, [record(1, "7SYN001", "2026-06-01T11:00:00Z", make="Toy\x00ota"),
                         record(2, "7SYN002", "2026-06-01T11:00:00Z", make="Toyota")])  # fmt: skip
    opened.ingest.sync.run(actor, "feed")
    told = [
        opened.search.one.show(actor, WHY, ident_of(opened, actor, plate)).damaged for plate in ("7SYN001", "7SYN002")
    ]
    assert told == [["characters that could not be read"], []]


def test_a_read_in_full_says_what_no_row_of_a_search_says(kept: Hub, actor: Actor) -> None:
    ident = ident_of(kept, actor, "7SYN001")
    whole = kept.search.one.show(actor, WHY, ident)
    assert (whole.read.plate, whole.read.plate_state, whole.vendor_read_id) == ("7SYN001", "US-CA", "r1")
    assert whole.vehicle.words() == "silver Toyota sedan"
    assert [(one.plate, one.confidence) for one in whole.candidates] == [("7SYN00I", 0.4)]
    (hit,) = whole.hits
    assert (hit.hotlist, hit.case_number, hit.kind, hit.state_match) == ("wanted", "26-7", "other_state", "mismatch")
    assert whole.clause
    assert newest(kept) == ("reads.show", "done", 1, "26-1", ident)


def test_a_read_that_says_little_says_so(kept: Hub, actor: Actor) -> None:
    whole = kept.search.one.show(actor, WHY, ident_of(kept, actor, "7SYN002"))
    assert (whole.vehicle.words(), whole.candidates, whole.hits, whole.read.images) == ("", [], [], ())


def test_a_read_is_gone_at_the_instant_its_time_is_up(kept: Hub, actor: Actor, clock: SetClock) -> None:
    ident = ident_of(kept, actor, "7SYN001")
    end = kept.search.one.show(actor, WHY, ident).read.expires_at
    clock.advance(end - clock.now())
    for ask in (kept.search.one.show, kept.search.one.picture):
        with pytest.raises(NotFound, match="its time is up"):
            ask(actor, WHY, ident)
        assert newest(kept)[1:] == ("refused", None, "26-1", ident)


@pytest.mark.parametrize("ident", [0, -1, 424242, 1 << 70])
def test_a_number_that_no_read_has_is_told(kept: Hub, actor: Actor, ident: int) -> None:
    with pytest.raises(NotFound, match=f"there is no read {ident}"):
        kept.search.one.show(actor, WHY, ident)


@pytest.mark.parametrize("why", [Why("", "a stolen car"), Why("stolen_vehicle", "test"), Why("curiosity", "to see it")])
def test_nobody_sees_a_read_or_its_picture_without_saying_why(kept: Hub, actor: Actor, why: Why) -> None:
    ident = ident_of(kept, actor, "7SYN001")
    for ask, action in ((kept.search.one.show, "reads.show"), (kept.search.one.picture, "reads.picture")):
        with pytest.raises(PolicyRefused):
            ask(actor, why, ident)
        assert newest(kept)[:2] == (action, "refused")


def test_a_picture_is_what_came_and_its_digest_is_on_record(kept: Hub, actor: Actor) -> None:
    ident = ident_of(kept, actor, "7SYN001")
    picture = kept.search.one.picture(actor, WHY, ident)
    assert picture.data == "\x89 not quite a picture".encode()
    assert (picture.shows, picture.sha256) == ("frame", sha256(picture.data).hexdigest())
    assert newest(kept) == ("reads.picture", "done", 1, "26-1", ident)
    assert kept.audit.events(1)[0]["detail"]["sha256"] == picture.sha256


def test_nothing_is_handed_out_that_is_not_on_record(kept: Hub, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    ident = ident_of(kept, actor, "7SYN001")

    def full(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(kept.audit, "record", full)
    for ask in (kept.search.one.show, kept.search.one.picture):
        with pytest.raises(OSError, match="full"):
            ask(actor, WHY, ident)


def test_why_there_is_no_picture_is_said(kept: Hub, actor: Actor) -> None:
    ident = ident_of(kept, actor, "7SYN001")
    with pytest.raises(NotFound, match="has no picture: feed sent none"):
        kept.search.one.picture(actor, WHY, ident_of(kept, actor, "7SYN002"))
    for state, said in (("wanted", "alprhub sync feed"), ("gone", "did not have it any more")):
        change(kept, f"UPDATE images SET state = '{state}'")
        with pytest.raises(NotFound, match=said):
            kept.search.one.picture(actor, WHY, ident)


def test_a_picture_whose_file_is_lost_or_changed_is_told_apart(kept: Hub, actor: Actor) -> None:
    ident = ident_of(kept, actor, "7SYN001")
    (key,) = kept.ingest.images.stored()
    kept.ingest.images.put(key, b"another picture")
    with pytest.raises(IntegrityBroken, match="not what feed sent"):
        kept.search.one.picture(actor, WHY, ident)
    kept.ingest.images.delete(key)
    with pytest.raises(NotFound, match="ALPRHUB_IMAGES"):
        kept.search.one.picture(actor, WHY, ident)


def test_of_several_pictures_one_is_named(kept: Hub, actor: Actor) -> None:
    ident = ident_of(kept, actor, "7SYN001")
    kept.ingest.images.put("second.jpg", b"\xff\xd8\xff the plate")
    change(
        kept, "INSERT INTO images (id, read_id, kind, key, state) VALUES (999, :id, 'plate', 'second.jpg', 'stored')",
        id=ident,
    )  # fmt: skip
    with pytest.raises(Invalid, match=r"1 \(frame\), 2 \(plate\)"):
        kept.search.one.picture(actor, WHY, ident)
    for which in ("plate", "2"):
        assert kept.search.one.picture(actor, WHY, ident, which).ending == "jpg"
    assert kept.search.one.picture(actor, WHY, ident, "1").shows == "frame"
    with pytest.raises(Invalid, match="'3'"):
        kept.search.one.picture(actor, WHY, ident, "3")


def test_a_read_that_a_case_holds_names_the_case(kept: Hub, actor: Actor) -> None:
    ident = ident_of(kept, actor, "7SYN001")
    change(
        kept,
        "INSERT INTO holds (id, kind, case_number, reason, placed_by, approved_by, placed_at, review_at) "
        "VALUES (7, 'litigation', '26-0117', 'a claim', 'a', 'b', 0, 0)",
    )
    change(kept, "INSERT INTO held_reads (hold_id, read_id) VALUES (7, :id)", id=ident)
    assert kept.search.one.show(actor, WHY, ident).held_for == ["26-0117"]
    change(kept, "UPDATE holds SET released_at = 1 WHERE id = 7")
    assert kept.search.one.show(actor, WHY, ident).held_for == []


def change(hub: Hub, statement: str, **bound: Any) -> None:
    with hub.store.write() as connection:
        connection.execute(text(statement), bound)
