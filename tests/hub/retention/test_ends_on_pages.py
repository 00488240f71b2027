"""On PostgreSQL a read that gets another end stays on its page, and a purge looks only where something is over."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import two
import yaml
from plain import record, write_page
from sqlalchemy import text

import hub.retention.due as due
import hub.retention.recompute as recomputing
from hub.clock import SetClock
from hub.people import Actor
from hub.policy.decisions import LENGTHENING, Decision
from hub.policy.document import FOLDER
from hub.store.instant import to_micros
from hub.wiring import Hub

pytestmark = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
CAPTURED = datetime.fromisoformat("2026-06-01T11:00:00Z")
DAY = timedelta(days=1)
MANY = 2_000
SIGNED = [
    Decision(settles=what, answer="so it is", decided_by="A. Chief", title="Chief", decided_at=CAPTURED, why="so be it")
    for what in (LENGTHENING,)
]


@pytest.fixture
def many(opened: Hub, actor: Actor, feed: Path) -> None:
    """Very many reads of one month, which live for 30 days."""
    write_page(feed, 1, [record(1, "9SYN001", CAPTURED.isoformat())])
    opened.ingest.sync.run(actor, "feed")
    with opened.store.write() as connection:
        connection.execute(
            text(
                "INSERT INTO reads SELECT (jsonb_populate_record(NULL::reads, to_jsonb(r) || jsonb_build_object("
                "'id', number, 'vendor_read_id', 'n' || number))).* FROM reads r, generate_series(2, :many) AS number"
            ),
            {"many": MANY},
        )
        opened.store.allot(connection, "reads", MANY)


def living(hub: Hub, tmp_path: Path, days: int) -> None:
    """A policy is in force under which everything lives for so many days."""
    policy = yaml.safe_load(FOLDER.joinpath("hermosa-beach.yaml").read_text())
    for rule in policy["retention"]["rules"]:
        if rule["max"] is not None:
            rule["max"] = {"dur": f"P{days}D", "clock": "captured_at"}
    file = tmp_path / f"{days}.yaml"
    file.write_text(yaml.safe_dump(policy))
    two.activate(hub, Actor("chief"), str(file), "the council wants it so", SIGNED)


def pages(hub: Hub) -> dict[int, tuple[int, int]]:
    """On which page each read lies, and when it ends."""
    with hub.store.read() as connection:
        rows = connection.execute(text("SELECT id, (ctid::text::point)[0]::int, expires_at FROM reads")).all()
    return {ident: (page, end) for ident, page, end in rows}


def looked_at(hub: Hub, until: datetime) -> int:
    """How many pages of June somebody looks at who asks what is over at an instant."""
    sql = "EXPLAIN (ANALYZE, FORMAT JSON) SELECT id FROM reads_2026_06 WHERE expires_at <= :until"
    with hub.store.read() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        said = connection.scalar(text(sql), {"until": to_micros(until)})
    plan: dict[str, Any] = (json.loads(said) if isinstance(said, str) else said)[0]["Plan"]
    assert plan["Node Type"] == "Bitmap Heap Scan"
    return int(plan.get("Lossy Heap Blocks", 0)) + int(plan.get("Exact Heap Blocks", 0))


def test_no_index_of_single_reads_holds_what_a_new_policy_changes(opened: Hub) -> None:
    sql = (
        "SELECT DISTINCT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "JOIN pg_am m ON m.oid = c.relam JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
        "JOIN pg_inherits h ON h.inhrelid = i.indrelid "
        "WHERE h.inhparent = 'reads'::regclass AND m.amname <> 'brin' AND a.attname IN ('expires_at', 'rule')"
    )
    with opened.store.read() as connection:
        assert connection.scalars(text(sql)).all() == []


def test_reads_that_get_other_ends_stay_on_their_pages(opened: Hub, actor: Actor, many: None, tmp_path: Path) -> None:
    before = pages(opened)
    living(opened, tmp_path, 60)
    assert opened.retention.recompute.run(actor)["lengthened"] == MANY
    after = pages(opened)
    assert {end for _, end in after.values()} == {to_micros(CAPTURED + 60 * DAY)}
    assert sum(before[ident][0] != page for ident, (page, _) in after.items()) < MANY // 10


def test_a_recompute_that_stops_between_two_turns_for_the_same_pages_counts_each_read_once(
    opened: Hub, actor: Actor, many: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    living(opened, tmp_path, 5)
    give, given = recomputing.set_ends, list[int]()

    def stop(*args: Any) -> int:
        given.append(len(args[2]))
        if len(given) == 3:
            raise KeyboardInterrupt
        return give(*args)

    monkeypatch.setattr(recomputing, "set_ends", stop)
    with pytest.raises(KeyboardInterrupt):
        opened.retention.recompute.run(actor)
    assert 0 < sum(given[:2]) < MANY
    assert opened.retention.recompute.run(actor) == {
        "changed": MANY, "shortened": MANY, "lengthened": 0, "kept_short": 0,
    }  # fmt: skip
    assert {end for _, end in pages(opened).values()} == {to_micros(CAPTURED + 5 * DAY)}


def test_where_reads_were_to_end_before_a_recompute_nobody_looks_afterwards(
    opened: Hub, actor: Actor, many: None, tmp_path: Path
) -> None:
    living(opened, tmp_path, 60)
    opened.retention.recompute.run(actor)
    assert looked_at(opened, CAPTURED + 30 * DAY) == 0
    assert looked_at(opened, CAPTURED + 60 * DAY) > 0


def test_a_purge_takes_what_is_over_among_what_is_not_and_the_next_one_does_not_look_there_again(
    opened: Hub, actor: Actor, clock: SetClock, many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "MOST", 300)
    with opened.store.write() as connection:
        later = {"day": DAY // timedelta(microseconds=1)}
        connection.execute(text("UPDATE reads SET expires_at = expires_at + :day WHERE id % 2 = 0"), later)
        connection.execute(text("UPDATE reads SET floor_at = expires_at + :day WHERE id % 10 = 1"), later)
    clock.advance(CAPTURED + 30 * DAY - clock.now())
    opened.retention.expired.purge(actor)
    left = pages(opened)
    assert {ident % 2 for ident in left if ident % 10 != 1} == {0}
    assert sum(ident % 10 == 1 for ident in left) == MANY // 10
    with opened.store.write() as connection:
        connection.execute(text("UPDATE reads SET floor_at = NULL"))
    opened.retention.expired.purge(actor)
    assert {ident % 2 for ident in pages(opened)} == {0}
    assert looked_at(opened, clock.now()) == 0
