"""What is told in two places is told by one answer."""

from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from plain import record, write_page

from hub.clock import SetClock
from hub.connections.waiting import waiting
from hub.ingest.gaps import STILL_SILENT
from hub.people import Actor
from hub.store.canonical import canonical_json, digest_of_json
from hub.store.runs import last_done
from hub.store.spool import Pushed, PushedHead, Spool
from hub.wiring import Hub


def test_the_last_good_run_is_the_same_in_the_list_and_in_health(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock
) -> None:
    write_page(feed, 1, [record(1, "9SYN001", "2026-06-01T11:00:00Z")])
    opened.ingest.sync.run(actor, "feed")
    account = opened.connections.accounts.list()[0]
    with opened.store.read() as connection:
        assert last_done(connection) == last_done(connection, account.id) != {}
        assert last_done(connection, account.id + 1) == {}
    assert opened.connections.health.of("feed").last_success == account.last_success == clock.now()


def test_who_counts_pushes_reads_what_who_keeps_them_reads(tmp_path: Path) -> None:
    assert PushedHead.__struct_fields__ == Pushed.__struct_fields__
    with closing(Spool(tmp_path)) as spool:
        spool.put(Pushed("gate", 7, 1_000_000, "application/json", b'{"a":1}'))
        spool.put(Pushed("gate", 7, 2_000_000, "application/json", b"x" * 5000))
        kept = [pushed for batch in spool.batches() for pushed in spool.read(batch)]
    found = waiting(tmp_path)
    assert found.counts == {7: len(kept)}
    assert found.oldest[7].timestamp() == min(pushed.received_at for pushed in kept) / 1_000_000


def test_a_certificate_has_one_form_whatever_the_order_of_its_words() -> None:
    body = canonical_json({"b": 1, "a": {"d": None, "c": "ü"}})
    assert body == canonical_json({"a": {"c": "ü", "d": None}, "b": 1}) == '{"a":{"c":"ü","d":null},"b":1}'.encode()
    assert digest_of_json(body) == sha256(body).hexdigest()
    assert msgspec.json.decode(body)["b"] == 1


@pytest.mark.parametrize("quiet", [0.9, 1.5, 5, 30, 170])
def test_a_camera_is_silent_now_for_health_where_it_is_for_gaps(
    opened: Hub, actor: Actor, feed: Path, clock: SetClock, quiet: float
) -> None:
    hours = {"pier": [n / 10 for n in range(1, 100)], "harbour": [quiet + n / 10 for n in range(100)]}
    rows = [
        {**record(number, f"9SYN{number:03}", (clock.now() - timedelta(hours=ago)).isoformat()), "camera": camera}
        for number, (camera, ago) in enumerate((camera, ago) for camera, many in hours.items() for ago in many)
    ]
    write_page(feed, 1, rows)
    opened.ingest.sync.run(actor, "feed", clock.now() - timedelta(days=20), clock.now())
    now = [silent["camera"] for silent in opened.connections.health.of("feed").silent_cameras]
    gaps = opened.ingest.gaps.find(actor, "feed")
    assert [gap.camera for gap in gaps if gap.reason == STILL_SILENT] == now == ["harbour"] * (quiet > 1)
