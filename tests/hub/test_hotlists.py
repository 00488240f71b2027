"""Hot lists: entries with reasons, matching on save, sending out, and proof that removals arrived."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from plain import PlainConnector, record, write_page
from sqlalchemy import text

from connectors.contract import Delta
from hub.clock import SetClock
from hub.errors import Invalid, NotFound
from hub.hits import Compared, compare
from hub.hotlists.lists import NewEntry
from hub.people import Actor
from hub.wiring import Hub

STOLEN = NewEntry("7ZZZ001", "stolen", "26-1", "US-CA")
AT = "2026-06-01T11:00:00Z"


def hits(hub: Hub) -> list[tuple[str, str, str]]:
    with hub.store.read() as connection:
        rows = connection.execute(text("SELECT kind, state_match, verdict FROM hits ORDER BY id"))
        return [(row[0], row[1], row[2]) for row in rows]


@pytest.mark.clause("palm-springs 430.3(c)", lacks="the states after unverified")
def test_a_read_that_matches_is_a_hit_and_the_hit_is_unverified(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.hotlists.lists.load(actor, "wanted", [STOLEN])
    write_page(feed, 1, [record(1, "7ZZZ001", AT), record(2, "7ZZZ002", AT)])
    assert opened.ingest.sync.run(actor, "feed").hits == 1
    assert hits(opened) == [("exact", "same", "unverified")]


@pytest.mark.parametrize(
    ("plate", "state", "expected"),
    [
        ("7ZZZ001", "us-ca", ("exact", "same")),
        ("7ZZZ001", "us-nv", ("other_state", "mismatch")),
        ("7ZZZ001", None, ("other_state", "unknown")),
        ("7ZZZOO1", "us-ca", ("folded", "same")),
        ("72ZZ001", "us-nv", ("folded", "mismatch")),
    ],
)
@pytest.mark.clause("palm-springs 430.6(k) s1", lacks="the person's confirmation")
def test_only_the_same_characters_of_the_same_known_state_are_exact(
    opened: Hub, actor: Actor, feed: Path, plate: str, state: str | None, expected: tuple[str, str]
) -> None:
    opened.hotlists.lists.load(actor, "wanted", [STOLEN])
    write_page(feed, 1, [record(1, plate, AT, state=state)])
    opened.ingest.sync.run(actor, "feed")
    assert hits(opened) == [(*expected, "unverified")]


def test_an_entry_without_a_state_never_gives_an_exact_hit() -> None:
    assert compare(Compared("7ZZZ001", "US-CA"), Compared("7ZZZ001")) == ("other_state", "unknown")


def test_a_removal_is_in_force_at_once_and_beats_the_next_read(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.hotlists.lists.load(actor, "wanted", [STOLEN])
    assert opened.hotlists.lists.withdraw(actor, "wanted", "7zzz-001", None, "recovered").removed == 1
    write_page(feed, 1, [record(1, "7ZZZ001", AT)])
    assert opened.ingest.sync.run(actor, "feed").hits == 0
    with pytest.raises(NotFound):
        opened.hotlists.lists.withdraw(actor, "wanted", "7ZZZ001", None, "again")


def test_a_removal_changes_its_list_so_that_no_copy_counts_as_proved(
    opened: Hub, actor: Actor, clock: SetClock
) -> None:
    lists = opened.hotlists.lists
    lists.load(actor, "wanted", [STOLEN])
    clock.advance(timedelta(hours=1))
    lists.withdraw(actor, "wanted", STOLEN.plate, None, "recovered")
    assert lists.changes() == {"wanted": clock.now()}


def test_what_any_list_watches_is_watched_once(opened: Hub, actor: Actor) -> None:
    for name in ("one", "two"):
        opened.hotlists.lists.load(actor, name, [STOLEN, replace(STOLEN, plate=f"9SYN-{name}")])
        assert len(opened.hotlists.lists.in_force(name)[1]) == 2
    assert [entry.plate for _, entry in opened.hotlists.lists.watched()] == [STOLEN.plate, "9SYNONE", "9SYNTWO"]


def test_an_expired_entry_gives_no_hit_and_can_be_renewed(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    short = NewEntry("7ZZZ001", "stolen", "26-1", "US-CA", expires_at=clock.now() + timedelta(hours=1))
    opened.hotlists.lists.load(actor, "wanted", [short])
    clock.advance(timedelta(hours=1))
    write_page(feed, 1, [record(1, "7ZZZ001", AT)])
    assert opened.ingest.sync.run(actor, "feed").hits == 0
    assert opened.hotlists.lists.in_force("wanted")[1] == []
    assert opened.hotlists.lists.load(actor, "wanted", [STOLEN]).added == 1


@pytest.mark.clause("palm-springs 430.1 ¶3", lacks="categories of reasons, and the basis of watch-list entries")
def test_an_import_is_all_or_nothing_and_names_line_and_field(opened: Hub, actor: Actor) -> None:
    with pytest.raises(Invalid, match="line 3: reason: is missing"):
        opened.hotlists.lists.load(actor, "wanted", [STOLEN, NewEntry("7ZZZ002", " ", "26-2", line=3)])
    assert opened.hotlists.lists.names() == []


@pytest.mark.parametrize("pattern", ["7ZZ*", "7?Z001", "%", "7ZZ_01"])
@pytest.mark.clause(
    "hermosa-beach 429.4(c)",
    "westminster 462.3(c)",
    "hayward 429.3(c)",
    "palm-springs 430.6(c)",
    lacks="lists of partial plates",
)
def test_a_pattern_never_becomes_a_full_plate_entry(opened: Hub, actor: Actor, pattern: str) -> None:
    with pytest.raises(Invalid, match="pattern"):
        opened.hotlists.lists.load(actor, "wanted", [NewEntry(pattern, "stolen", "26-1")])


def test_a_complete_list_removes_what_it_does_not_name_and_an_empty_one_is_refused(opened: Hub, actor: Actor) -> None:
    other = NewEntry("7ZZZ002", "stolen", "26-2", "US-CA")
    opened.hotlists.lists.load(actor, "wanted", [STOLEN, other])
    done = opened.hotlists.lists.load(actor, "wanted", [other], complete=True)
    assert (done.unchanged, done.removed) == (1, 1)
    with pytest.raises(Invalid, match="nothing was changed"):
        opened.hotlists.lists.load(actor, "wanted", [], complete=True)
    assert [entry.plate for entry in opened.hotlists.lists.in_force("wanted")[1]] == ["7ZZZ002"]


def test_publishing_sends_the_difference_and_proves_it_by_reading_back(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.hotlists.lists.load(actor, "wanted", [STOLEN, NewEntry("7ZOO002", "stolen", "26-2", "US-CA")])
    sent = opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert (sent.added, sent.removed, sent.verified, sent.proof) == (2, 0, True, "read_back")
    opened.hotlists.lists.withdraw(actor, "wanted", "7ZOO002", None, "recovered")
    assert opened.hotlists.publishing.verify(actor, "wanted", "feed").unexpected == 1
    sent = opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert (sent.added, sent.removed, sent.verified) == (0, 1, True)
    assert msgspec.json.decode((feed / "list.json").read_bytes()) == [{"plate": "7ZZZ001", "state": "US-CA"}]


def test_a_removal_that_the_vendor_ignored_is_not_called_proved(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.contract import PushReport

    opened.hotlists.lists.load(actor, "wanted", [STOLEN])
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    opened.hotlists.lists.withdraw(actor, "wanted", "7ZZZ001", None, "recovered")
    monkeypatch.setattr(PlainConnector, "push", lambda self, delta: PushReport(0, len(delta.remove)))
    sent = opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert (sent.removed, sent.verified, sent.unexpected) == (0, False, 1)
    assert opened.audit.events(1)[0]["outcome"] == "unproved"


def test_a_vendor_that_is_down_is_part_of_the_answer(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.errors import TryAgain

    def down(*_: object) -> None:
        raise TryAgain("the vendor is down")

    opened.hotlists.lists.load(actor, "wanted", [STOLEN])
    monkeypatch.setattr(PlainConnector, "push", down)
    sent = opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert (sent.verified, sent.error) == (False, "the vendor is down")


def many(number: int) -> list[NewEntry]:
    return [NewEntry(f"9SYN{n:04}", "stolen", "26-1", "US-CA") for n in range(number)]


def test_a_push_that_fails_in_its_middle_says_how_many_entries_arrived(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.errors import TryAgain

    def push(self: PlainConnector, delta: Delta) -> None:
        held = [{"plate": entry.plate, "state": entry.state} for entry in delta.complete[:990]]
        (self.settings.folder / "list.json").write_bytes(msgspec.json.encode(held))
        raise TryAgain("the vendor is down")

    opened.hotlists.lists.load(actor, "wanted", many(1000))
    with monkeypatch.context() as broken:
        broken.setattr(PlainConnector, "push", push)
        sent = opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert (sent.added, sent.removed, sent.verified, sent.missing, sent.unexpected) == (990, 0, False, 10, 0)
    assert sent.error == "the vendor is down; before that 990 of 1,000 new entries arrived, and 0 went"
    assert opened.audit.events(1)[0]["detail"]["added"] == 990
    assert opened.hotlists.publishing.publish(actor, "wanted", "feed").added == 10


def test_a_push_whose_answer_is_lost_is_proved_by_what_is_there(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.errors import TryAgain

    whole = PlainConnector.push

    def push(self: PlainConnector, delta: Delta) -> None:
        whole(self, delta)
        raise TryAgain("no answer")

    opened.hotlists.lists.load(actor, "wanted", many(3))
    monkeypatch.setattr(PlainConnector, "push", push)
    sent = opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert (sent.added, sent.verified, sent.error) == (3, True, None)


def test_what_nobody_can_look_at_after_a_failed_push_is_called_unknown(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.errors import TryAgain

    def down(self: PlainConnector, *_: object) -> None:
        monkeypatch.setattr(PlainConnector, "list_remote", down)
        raise TryAgain("the vendor is down")

    opened.hotlists.lists.load(actor, "wanted", many(3))
    monkeypatch.setattr(PlainConnector, "push", down)
    sent = opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert (sent.added, sent.removed, sent.missing, sent.unexpected, sent.verified) == (None, None, None, None, False)
    assert "how much of it arrived is not known" in (sent.error or "")


def test_a_connection_that_cannot_be_opened_is_part_of_the_answer_and_on_record(
    opened: Hub, actor: Actor, feed: Path
) -> None:
    opened.hotlists.lists.load(actor, "wanted", [STOLEN])
    with opened.store.write() as connection:
        connection.execute(text("UPDATE connections SET sealed_key = 'lost'"))
    for act in (opened.hotlists.publishing.publish, opened.hotlists.publishing.verify):
        sent = act(actor, "wanted", "feed")
        assert (sent.added, sent.missing, sent.verified) == (0, None, False)
        assert (sent.error or "").startswith("the account cannot be opened, so nothing was sent")
        assert opened.audit.events(1)[0]["outcome"] == "unproved"
    (card,) = [card for card in opened.connections.health.of("feed").cards if card.code == "list_unproved"]
    assert "cannot be opened" in card.happened
    with pytest.raises(NotFound, match="nobody"):
        opened.hotlists.publishing.publish(actor, "wanted", "nobody")


def test_only_a_copy_of_the_list_as_it_is_now_is_called_proved(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    def proved() -> tuple[list[str], list[str]]:
        (standing,) = opened.hotlists.standings.of(opened.hotlists.lists.changes())
        return standing.proved_at, standing.not_proved_at

    short = NewEntry("7ZZZ002", "stolen", "26-2", expires_at=clock.now() + timedelta(hours=1))
    opened.hotlists.lists.load(actor, "wanted", [STOLEN, short])
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert proved() == (["feed"], [])
    clock.advance(timedelta(hours=1))
    assert proved() == ([], ["feed"]), "an entry is over"
    clock.advance(timedelta(seconds=1))
    opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert proved() == (["feed"], [])
    clock.advance(timedelta(seconds=1))
    opened.hotlists.lists.load(actor, "wanted", [NewEntry("7ZZZ003", "stolen", "26-3")])
    assert proved() == ([], ["feed"])


def test_two_who_publish_at_once_do_not_stop_each_others_other_vendors(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.hotlists.lists.load(actor, "wanted", [STOLEN])
    with opened.store.lease(f"publish-{opened.connections.accounts.list()[0].id}"):
        sent = opened.hotlists.publishing.publish(actor, "wanted", "feed")
    assert (sent.verified, sent.error) == (False, "somebody else is publishing to it now; nothing was sent")
