"""Durable is durable: what somebody was promised is on the disk before he hears so, and before anything is unlinked."""

import ast
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import two
from happenings import Happenings, happenings
from plain import PlainConnector, record, write_page
from pushes import receive
from sqlalchemy import text

import hub.agency as agencies
from connectors.contract import Document, Request
from hub.cases.holds import NewHold
from hub.cases.orders import NewOrder
from hub.clock import SetClock
from hub.governing.in_force import Governing
from hub.hotlists.lists import NewEntry
from hub.people import Actor, Why
from hub.policy.provenance import Provenance
from hub.retention.endings import Endings
from hub.search.query import Query
from hub.store.vault import Vault
from hub.wiring import Hub

HERE = Path(__file__).parents[2]
WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
CAPTURED = datetime(2026, 6, 1, 11, tzinfo=UTC)
LIFE = timedelta(days=30)
PLATE = "9SYN001"
NORMAL, FULL = 1, 2
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
Call = Callable[[Hub, Actor, int], Any]


@pytest.fixture
def one_read(opened: Hub, actor: Actor, feed: Path) -> int:
    """The id of a read with a picture; beside it a record that could not be read."""
    told = record(1, PLATE, CAPTURED.isoformat(), picture="PICTURE-BYTES", camera="c1")
    write_page(feed, 1, [told, record(2, "", CAPTURED.isoformat())])
    opened.ingest.sync.run(actor, "feed")
    with opened.store.read() as connection:
        return int(connection.scalar(text("SELECT id FROM reads")) or 0)


def waits(hub: Hub, durable: bool | None) -> Any:
    """How a transaction of a kind waits for the disk; None: a connection outside any."""
    if durable is None:
        with hub.store._writer.connect() as connection:
            driver: Any = connection.connection.driver_connection
            if hub.store.is_sqlite:
                return driver.execute("PRAGMA synchronous").fetchone()[0]
            return driver.execute("SHOW synchronous_commit").fetchone()[0]
    with hub.store.write(durable=durable) as connection:
        return connection.scalar(text("PRAGMA synchronous" if hub.store.is_sqlite else "SHOW synchronous_commit"))


def test_a_write_waits_for_the_disk_and_one_that_need_not_says_so(opened: Hub) -> None:
    rests = waits(opened, None)
    assert rests == FULL or not opened.store.is_sqlite
    with opened.store.write() as connection:
        said = connection.scalar(text("PRAGMA synchronous" if opened.store.is_sqlite else "SHOW synchronous_commit"))
    assert said == (FULL if opened.store.is_sqlite else "on")
    for _ in range(2):
        assert waits(opened, False) == (NORMAL if opened.store.is_sqlite else "off")
        assert waits(opened, None) == rests
        assert waits(opened, True) == (FULL if opened.store.is_sqlite else "on")
        assert waits(opened, None) == rests


def test_a_write_that_fails_leaves_a_connection_that_waits(opened: Hub) -> None:
    rests = waits(opened, None)
    with pytest.raises(ZeroDivisionError), opened.store.write(durable=False):
        raise ZeroDivisionError
    assert waits(opened, None) == rests


@on_sqlite
def test_settling_is_a_commit_that_changes_something_since_any_other_waits_for_nothing(opened: Hub) -> None:
    counts = []
    for _ in range(2):
        with happenings(opened.store) as steps:
            opened.store.settle()
        assert steps == ["commit full counters"]
        with opened.store.read() as connection:
            counts.append(connection.scalar(text("SELECT value FROM counters WHERE name = 'settled'")))
    assert counts == [1, 2]


@on_sqlite
def test_a_picture_lies_on_the_disk_with_its_name_before_the_row_that_knows_it(
    opened: Hub, actor: Actor, feed: Path
) -> None:
    write_page(feed, 1, [record(n, PLATE, CAPTURED.isoformat(), picture=f"PICTURE {n}") for n in (1, 2, 3)])
    with happenings(opened.store) as steps:
        opened.ingest.sync.run(actor, "feed")
    kept = steps.before("commit * *reads*")
    names = {step.split()[1] for step in kept.like("rename *.jpg")}
    assert len(names) == 3
    for name in names:
        kept.assert_in_order(f"fsync {name}~", f"rename {name}", "fsync folder 1")
    assert len(kept.like("fsync folder 1")) == 1  # once for all of the page
    for folder in ("images", "2026", "07", "01"):  # 2026/07/01/1: the names of new folders too
        assert kept.like(f"fsync folder {folder}"), folder


@on_sqlite
def test_what_is_pulled_need_not_wait_for_the_disk_and_what_is_pushed_waits_before_its_batch_goes(
    opened: Hub, actor: Actor, feed: Path
) -> None:
    write_page(feed, 1, [record(1, PLATE, CAPTURED.isoformat())])
    with happenings(opened.store) as steps:
        opened.ingest.sync.run(actor, "feed")
    assert steps.like("commit normal *reads*")
    pushed = Document(msgspec.json.encode([record(2, PLATE, CAPTURED.isoformat(), picture="PICTURE")]))
    with happenings(opened.store) as steps:
        receive(opened, "feed", Request({"x-key": "plain-secret-key"}, pushed))
    steps.assert_in_order(
        "fsync *.batch~", "rename *.batch", "fsync folder inbox",
        "fsync *.jpg~", "rename *.jpg", "fsync folder 1", "commit full *reads*", "unlink *.batch",
    )  # fmt: skip


@on_sqlite
def test_a_picture_that_was_fetched_is_on_the_disk_before_its_row_says_so(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlainConnector, "fetch_image", lambda *_: b"\xff\xd8\xff fetched", raising=False)
    write_page(feed, 1, [record(1, PLATE, CAPTURED.isoformat(), picture_url="https://pictures.example/1")])
    with happenings(opened.store) as steps:
        opened.ingest.sync.run(actor, "feed")
        opened.ingest.pictures.fetch(opened.connections.accounts.open("feed")[1], 1)
    steps.assert_in_order("fsync *.jpg~", "rename *.jpg", "fsync folder 1", "commit full *images*")


def test_a_key_is_on_the_disk_before_anything_is_sealed_under_it(tmp_path: Path) -> None:
    with happenings() as steps:
        Vault.of_file(tmp_path / "secret.key")
    assert steps == [
        "fsync secret.key~", "link secret.key", "unlink secret.key~", f"fsync folder {tmp_path.name}",
    ]  # fmt: skip
    with happenings() as steps:
        Vault.of_file(tmp_path / "secret.key")
    assert steps == []


@on_sqlite
def test_a_new_key_is_on_the_disk_before_rows_are_sealed_under_it_and_the_old_one_goes_after_them(
    opened: Hub, actor: Actor, feed: Path
) -> None:
    with happenings(opened.store) as steps:
        opened.connections.sealing.reseal(actor)
    steps.assert_in_order(
        "fsync secret.key.before~", "rename secret.key.before", "fsync folder data",
        "fsync secret.key~", "rename secret.key", "fsync folder data",
        "commit full audit_waiting,connections,vacuum_due",
        "fsync secret.key.before", "unlink secret.key.before", "fsync folder data",
    )  # fmt: skip


@on_sqlite
def test_an_export_is_whole_on_the_disk_and_on_record_before_it_has_a_name(
    opened: Hub, actor: Actor, one_read: int, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with happenings(opened.store) as steps:
        opened.search.export.run(actor, Query(WHY, plates=(PLATE,)), "csv", out / "reads.csv")
        steps.append("answer")
    steps.assert_in_order(
        "commit full audit_events,audit_head",
        "fsync reads.csv.part", "fsync reads.csv.manifest.json.part", "commit full audit_events,audit_head",
        "rename reads.csv.manifest.json", "fsync folder out", "rename reads.csv", "fsync folder out", "answer",
    )  # fmt: skip
    assert steps.like("commit normal *") == []


@on_sqlite
def test_a_purge_removes_no_file_before_the_certificate_of_its_read_is_on_the_disk(
    opened: Hub, actor: Actor, clock: SetClock, one_read: int
) -> None:
    clock.advance(LIFE)
    with happenings(opened.store) as steps:
        opened.retention.expired.purge(actor)
        steps.append("answer")
    steps.assert_in_order(
        "commit * *certificates*reads*",  # the rows, and what certifies that they went
        "commit full *", "unlink *.jpg", "fsync folder 1", "commit * images", "commit full audit_waiting,certificates",
        "commit full audit_events,audit_head", "answer",
    )  # fmt: skip
    gone = steps.before("unlink *.jpg")
    assert all_on_the_disk(gone)


@on_sqlite
def test_a_stray_picture_is_gone_for_good_before_the_purge_says_so(opened: Hub, actor: Actor, clock: SetClock) -> None:
    opened.ingest.images.put(f"{clock.now():%Y/%m/%d}/1/left-behind.jpg", b"stray")
    clock.advance(timedelta(days=2))
    with happenings(opened.store) as steps:
        opened.retention.expired.purge(actor)
    steps.assert_in_order("unlink left-behind.jpg", "fsync folder 1", "commit full audit_waiting*")


def all_on_the_disk(steps: Happenings) -> bool:
    """Whether the last commit waited for the disk, and so for all before it."""
    return steps.like("commit *")[-1].startswith("commit full")


HOLD = NewHold("case", "26-1", "robbery", CAPTURED + 300 * timedelta(days=1), "felony")
PROMISES: dict[str, tuple[str, Call]] = {
    "a list is imported": (
        "hotlist_imports",
        lambda hub, who, read: hub.hotlists.lists.load(who, "wanted", [NewEntry(PLATE, "stolen", "26-1", "US-CA")]),
    ),
    "a list is published": (
        "publications",
        lambda hub, who, read: hub.hotlists.publishing.publish(who, "wanted", "feed"),
    ),
    "an entry is withdrawn": (
        "entries",
        lambda hub, who, read: hub.hotlists.lists.withdraw(who, "wanted", PLATE, "US-CA", "it is found"),
    ),
    "a connection is added": (
        "connections",
        lambda hub, who, read: hub.connections.accounts.add(who, "two", "plain", {"folder": str(HERE)}),
    ),
    "a connection gets a pace": (
        "connections",
        lambda hub, who, read: hub.connections.accounts.schedule(who, "feed", timedelta(hours=1)),
    ),
    "a connection is paused": (
        "connections",
        lambda hub, who, read: hub.connections.accounts.pause(who, "feed", "a test"),
    ),
    "a connection goes on": ("connections", lambda hub, who, read: hub.connections.accounts.resume(who, "feed")),
    "a secret is changed": (
        "connections",
        lambda hub, who, read: hub.connections.changes.rotate(who, "feed", {"api_key": "new"}),
    ),
    "a contract is changed": (
        "connections",
        lambda hub, who, read: hub.connections.changes.change(who, "feed", {}, kind="native_reader"),
    ),
    "secrets are sealed anew": ("connections", lambda hub, who, read: hub.connections.sealing.reseal(who)),
    "a camera gets a site": (
        "cameras",
        lambda hub, who, read: hub.connections.cameras.set_site(who, "feed", "c1", "pier"),
    ),
    "the agency is renamed": (
        "agency",
        lambda hub, who, read: agencies.rename(hub.store, hub.audit, hub.clock, who, "Springs PD"),
    ),
    "a hold is placed": ("holds", lambda hub, who, read: two.place(hub, who, HOLD, reads=[read])),
    "a hold is reviewed": (
        "holds",
        lambda hub, who, read: hub.cases.reviews.reviewed(who, 1, "open", hub.clock.now() + timedelta(days=200)),
    ),
    "a case is classified": ("holds", lambda hub, who, read: two.classify(hub, who, 1, "felony", CAPTURED.date())),
    "evidence is booked": ("holds", lambda hub, who, read: hub.cases.holds.book(who, 1, "E-26-7")),
    "a hold is released": ("holds", lambda hub, who, read: hub.cases.holds.release(who, 1, "over")),
    "a read is linked to a case": (
        "links",
        lambda hub, who, read: hub.cases.links.link(who, [read], "26-1", "robbery"),
    ),
    "a link is taken back": ("links", lambda hub, who, read: hub.cases.links.unlink(who, [read], "26-1", "over")),
    "payloads are read again": ("audit_events", lambda hub, who, read: hub.ingest.reparse.run(who, "feed")),
    "refused records are tried again": ("audit_events", lambda hub, who, read: hub.ingest.quarantine.replay(who)),
    "people are told": ("audit_events", lambda hub, who, read: hub.notices.telling.test(who)),
    "reads are searched": (
        "audit_events",
        lambda hub, who, read: hub.search.reads.find(who, Query(WHY, plates=(PLATE,))),
    ),
    "a read is shown": ("audit_events", lambda hub, who, read: hub.search.one.show(who, WHY, read)),
    "a court's order is carried out": (
        "orders",
        lambda hub, who, read: two.destroy(
            hub, who, NewOrder("SC-7", "Superior Court", "sealed by the court", b"%PDF-1.4"), reads=[read]
        ),
    ),
    "a certificate is confirmed": (
        "certificates",
        lambda hub, who, read: hub.retention.certificates.countersign(who, 1),
    ),
    "another policy is put in force": (
        "policies",
        lambda hub, who, read: two.activate(hub, who, "long-beach", "as the council decided"),
    ),
    "ends are computed": ("recomputes", lambda hub, who, read: hub.retention.recompute.run(who)),
    "a connection is removed": (
        "removals",
        lambda hub, who, read: hub.connections.removals.remove(who, "feed", reads="keep", reason="it has ended"),
    ),
}
"""What somebody is promised, the table that says so, and the call, in an order in which each can be done."""


@on_sqlite
def test_whoever_is_promised_something_hears_so_when_it_is_on_the_disk(
    opened: Hub, actor: Actor, one_read: int
) -> None:
    with opened.store.write() as connection:
        connection.execute(text("INSERT INTO agency VALUES (1, 'Pier PD', 1, 'tester')"))
    for what, (table, call) in PROMISES.items():
        with happenings(opened.store) as steps:
            call(opened, actor, one_read)
        assert steps.like(f"commit full *{table}*"), (what, steps)
        assert all_on_the_disk(steps), (what, steps)


@on_sqlite
def test_sooner_ends_are_on_the_disk_before_anybody_hears_of_them(
    opened: Hub, actor: Actor, clock: SetClock, one_read: int
) -> None:
    endings = Endings(opened.store, clock, Governing(opened.store))
    with happenings(opened.store) as steps:
        assert endings.finish(1, Provenance("own", "flock")) == 1
    assert all_on_the_disk(steps), steps


@on_sqlite
def test_what_was_read_again_is_on_the_disk_before_anybody_hears_so(opened: Hub, actor: Actor, one_read: int) -> None:
    with opened.store.write() as connection:
        connection.execute(text("UPDATE reads SET plate_raw = 'OTHER'"))
    with happenings(opened.store) as steps:
        assert opened.ingest.reparse.run(actor, "feed").changed == 1
    steps.assert_in_order("commit normal *reads*", "commit full counters", "commit full audit_events,audit_head")


def hasty() -> Iterator[tuple[str, str]]:
    """Every write that need not be durable: its file, and what it says."""
    for floor in ("hub", "flows", "alprhub"):
        for file in sorted((HERE / floor).rglob("*.py")):
            said = file.read_text()
            for node in ast.walk(ast.parse(said)) if "durable=" in said else ():  # to parse them all takes seconds
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "write":
                    for given in node.keywords:
                        if given.arg == "durable":
                            yield str(file.relative_to(HERE)), ast.unparse(given.value)


def test_every_write_that_a_power_cut_may_take_back_is_in_the_decision() -> None:
    decision = (HERE / "docs" / "decisions" / "0019-which-writes-are-durable.md").read_text()
    listed = dict(re.findall(r"^\| `(\S+\.py)` \| (\d+) \|", decision, re.MULTILINE))
    counted: dict[str, int] = {}
    for file, _ in hasty():
        counted[file] = counted.get(file, 0) + 1
    assert {file: int(count) for file, count in listed.items()} == counted


@pytest.mark.parametrize("word", ["fsync", "O_EXCL"])
def test_one_module_asks_the_disk_to_keep_files(word: str) -> None:
    others = {"connectors/durable.py", "hub/store/spool.py", "hub/search/export.py"}
    for floor in ("normalize", "connectors", "native_reader", "hub", "flows", "alprhub"):
        for file in (HERE / floor).rglob("*.py"):
            name = str(file.relative_to(HERE))
            assert name in others or f"os.{word}" not in file.read_text(), name
