"""Changing an account: tried before it counts, told by name alone, and nothing of an old secret left anywhere."""

import base64
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import two
from plain import PlainConnector, record, write_page
from pydantic import SecretStr
from registries import PLAIN
from sqlalchemy import text

from connectors.errors import AdminMustFix
from hub.clock import SetClock
from hub.errors import AdminMustAct, Conflict, IntegrityBroken, Invalid
from hub.people import Actor
from hub.settings import HubSettings
from hub.store import vault
from hub.wiring import Hub, open_hub

OLD, NEW = "plain-secret-key", "MARKED-NEW-SECRET"


def secret_of(hub: Hub, name: str = "feed") -> str:
    return str(hub.connections.accounts.open(name)[1].settings.api_key.get_secret_value())


def everything(hub: Hub) -> str:
    """Every cell of the tables that a connection's life is written into, as it can be read by anybody."""
    with hub.store.read() as connection:
        rows = [
            row
            for table in ("connections", "runs", "removals", "publications")
            for row in connection.execute(text(f"SELECT * FROM {table}")).all()
        ]
    return "\n".join([*(repr(tuple(row)) for row in rows), *map(repr, hub.audit.events(10_000))])


def on_disk(hub: Hub, marked: str) -> list[Path]:
    hub.store.squeeze()
    files = [path for path in hub.settings.data.rglob("*") if path.is_file()]
    return [path for path in files if marked.encode() in path.read_bytes()]


def test_new_secrets_are_tried_before_they_replace_the_old(opened: Hub, actor: Actor, feed: Path) -> None:
    (feed / "key").write_text(NEW)
    with pytest.raises(AdminMustFix):
        opened.connections.changes.rotate(actor, "feed", {"api_key": "wrong"})
    assert secret_of(opened) == OLD
    assert opened.connections.changes.rotate(actor, "feed", {"api_key": NEW}) == "the folder is there"
    assert secret_of(opened) == NEW
    event = opened.audit.events(1)[0]
    assert (event["action"], event["detail"]) == ("connections.rotate", {"fields": ["api_key"]})


def test_no_secret_is_in_the_store_the_record_a_log_or_a_repr(
    opened: Hub, actor: Actor, feed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    opened.connections.changes.rotate(actor, "feed", {"api_key": NEW})
    opened.connections.changes.change(actor, "feed", {"key_ends": "2027-01-01"})
    account, connector = opened.connections.accounts.open("feed")
    shown = repr(
        (
            account,
            connector,
            connector.settings,
            opened.connections.accounts.list(),
            opened.connections.changes,
            opened.connections.sealing,
        )
    )
    for secret in (OLD, NEW):
        assert secret not in shown + everything(opened) + caplog.text
        assert on_disk(opened, secret) == []


def test_an_address_with_a_password_in_it_is_refused_when_it_is_given_and_opens_where_it_was_kept(
    opened: Hub, actor: Actor, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Addressed(PlainConnector.Settings):
        base_url: str = ""

    monkeypatch.setattr(PlainConnector, "Settings", Addressed)
    inside = "https://lpr:s3cret@vendor.example"
    with pytest.raises(Invalid, match="base_url: must hold no user and no password"):
        opened.connections.changes.change(actor, "feed", {"base_url": inside})
    opened.connections.changes.change(actor, "feed", {"base_url": "https://vendor.example"})
    with opened.store.write() as connection:  # as versions before this rule have kept it
        connection.execute(
            text("UPDATE connections SET settings = replace(settings, 'https://', 'https://lpr:s3cret@')")
        )
    assert opened.connections.accounts.open("feed")[1].settings.base_url == inside
    (feed / "key").write_text(NEW)
    opened.connections.changes.rotate(actor, "feed", {"api_key": NEW})
    opened.connections.changes.change(actor, "feed", {"key_ends": "2027-01-01"})
    assert opened.connections.accounts.open("feed")[1].settings.base_url == inside


def test_only_secrets_are_rotated_and_only_what_is_none_is_changed(opened: Hub, actor: Actor, feed: Path) -> None:
    with pytest.raises(Invalid, match="folder: is no secret"):
        opened.connections.changes.rotate(actor, "feed", {"folder": "/"})
    with pytest.raises(Invalid, match="missing"):
        opened.connections.changes.rotate(actor, "feed", {})
    with pytest.raises(Invalid, match=r"api_key: is a secret, which is changed by .* rotate feed"):
        opened.connections.changes.change(actor, "feed", {"api_key": NEW})
    with pytest.raises(Invalid, match="colour"):
        opened.connections.changes.change(actor, "feed", {"colour": "red"})


def test_settings_are_tried_before_they_count_and_named_in_the_record(
    opened: Hub, actor: Actor, feed: Path, tmp_path: Path
) -> None:
    with pytest.raises(AdminMustFix):
        opened.connections.changes.change(actor, "feed", {"folder": str(tmp_path / "missing")})
    (tmp_path / "other").mkdir()
    assert opened.connections.changes.preview("feed", {"folder": str(tmp_path / "other")}).fields == ["folder"]
    assert opened.connections.accounts.open("feed")[1].settings.folder == feed
    done = opened.connections.changes.change(
        actor, "feed", {"folder": str(tmp_path / "other"), "key_ends": "2027-01-01"}
    )
    assert (done.check, done.preview.reads, done.shortened) == ("the folder is there", None, 0)
    settings = opened.connections.accounts.open("feed")[1].settings
    assert (settings.folder, settings.api_key.get_secret_value()) == (tmp_path / "other", OLD)
    detail = opened.audit.events(1)[0]["detail"]
    assert detail["fields"] == ["folder", "key_ends"]
    assert str(tmp_path) not in str(detail)
    assert opened.connections.changes.change(actor, "feed", {}, unset=["key_ends"]).preview.fields == ["key_ends"]
    assert opened.connections.accounts.open("feed")[1].settings.key_ends is None


@pytest.fixture
def yearlong(opened: Hub, actor: Actor, feed: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The connection `feed` with reads of two, forty and three hundred days ago, which live a year while it is own."""
    monkeypatch.setattr(PlainConnector, "info", replace(PlainConnector.info, retention_vendor="motorola"))
    with opened.store.write() as connection:
        connection.execute(text("UPDATE connections SET retention_vendor = 'motorola'"))
    ages = {1: 2, 2: 40, 3: 300}
    write_page(
        feed,
        1,
        [
            record(
                ident, f"9SYN00{ident}", (clock.now() - timedelta(days=days)).isoformat(), candidates=[["9SYNX", 0.2]]
            )
            for ident, days in ages.items()
        ],
    )
    assert opened.ingest.sync.run(actor, "feed").stored == 3
    return opened


def lives(hub: Hub) -> dict[str, tuple[int, str]]:
    """The days that each read has left, and its rule; every candidate lives as long as its read."""
    now = hub.clock.now().timestamp()
    with hub.store.read() as connection:
        rows = connection.execute(text("SELECT id, vendor_read_id, expires_at, rule FROM reads")).all()
        others = dict(connection.execute(text("SELECT read_id, expires_at FROM candidates")).tuples().all())
    assert others == {row.id: row.expires_at for row in rows}
    return {row.vendor_read_id: (round((row.expires_at / 1e6 - now) / 86_400), row.rule) for row in rows}


def test_a_change_that_ends_reads_says_how_many_before_it_does(yearlong: Hub, actor: Actor) -> None:
    before = lives(yearlong)
    plan = yearlong.connections.changes.preview("feed", {}, kind="commercial")
    assert (plan.fields, plan.rule_before, plan.rule_after) == (["kind"], "hb-motorola", "hb-other")
    assert (plan.reads, plan.end_now) == (3, 2)
    with pytest.raises(Conflict, match="2 of 3 reads would expire at once"):
        yearlong.connections.changes.change(actor, "feed", {}, kind="commercial")
    assert lives(yearlong) == before
    assert yearlong.connections.accounts.list()[0].kind == "own"


def test_a_change_that_ends_reads_ends_them_and_what_comes_lives_by_the_new_rule(
    yearlong: Hub, actor: Actor, feed: Path
) -> None:
    done = yearlong.connections.changes.change(actor, "feed", {}, kind="commercial", expire=True)
    assert done.shortened == 3
    assert lives(yearlong) == {"r1": (28, "hb-other"), "r2": (0, "hb-other"), "r3": (0, "hb-other")}, (
        "none ends in the past"
    )
    write_page(feed, 2, [record(4, "9SYN004", (yearlong.clock.now() - timedelta(days=1)).isoformat())])
    yearlong.ingest.sync.run(actor, "feed")
    with yearlong.store.read() as connection:
        rule = connection.scalar(text("SELECT rule FROM reads WHERE vendor_read_id = 'r4'"))
    assert rule == "hb-other"
    assert yearlong.retention.expired.purge(actor) == {"feed": 2}


def test_a_longer_life_is_for_what_comes_and_a_held_read_is_left_alone(yearlong: Hub, actor: Actor) -> None:
    with yearlong.store.write() as connection:
        connection.execute(text("UPDATE reads SET held = :yes WHERE vendor_read_id = 'r2'"), {"yes": True})
    held = lives(yearlong)["r2"]
    assert yearlong.connections.changes.preview("feed", {}, kind="commercial").end_now == 1
    yearlong.connections.changes.change(actor, "feed", {}, kind="commercial", expire=True)
    assert lives(yearlong)["r2"] == held
    short = lives(yearlong)
    loosening = two.decision("loosening", title=yearlong.governing.profile.office, decided_at=yearlong.clock.now())
    proposal = yearlong.connections.kinds.propose(actor, "feed", "own", "they are ours", [loosening])
    assert two.approve_at_once(yearlong, proposal.id).outcome == {"connection": "feed", "kind": "own"}
    assert yearlong.connections.accounts.list()[0].kind == "own"
    assert lives(yearlong) == short


def test_a_kind_or_an_agency_that_is_none_is_named(opened: Hub, actor: Actor, feed: Path) -> None:
    with pytest.raises(Invalid, match="kind: must be one of own, commercial, native_reader"):
        opened.connections.changes.preview("feed", {}, kind="borrowed")
    with pytest.raises(Invalid, match="agency"):
        opened.connections.changes.preview("feed", {}, agency="Elsewhere PD")


def test_a_new_key_seals_every_secret_and_the_old_one_is_gone(opened: Hub, actor: Actor, feed: Path) -> None:
    opened.connections.accounts.add(actor, "other", "plain", {"folder": str(feed), "api_key": NEW})
    file = opened.settings.data / "secret.key"
    before = file.read_bytes()
    with opened.store.read() as connection:
        old = dict(connection.execute(text("SELECT name, sealed FROM connections")).tuples().all())
    count, key = opened.connections.sealing.reseal(actor)
    assert (count, key) == (2, vault.key_id(file.read_bytes()))
    assert file.read_bytes() != before
    assert sorted(path.name for path in file.parent.glob("secret.key*")) == ["secret.key"]
    with opened.store.read() as connection:
        rows = connection.execute(text("SELECT name, sealed, sealed_key FROM connections")).all()
    assert {row.sealed_key for row in rows} == {key}
    for row in rows:
        with pytest.raises(IntegrityBroken):
            vault.Vault(before).open(row.sealed, row.name)
        with pytest.raises(IntegrityBroken):
            vault.Vault(file.read_bytes()).open(old[row.name], row.name)
    with open_hub(opened.settings, opened.clock, registry=PLAIN) as again:
        assert (secret_of(again), secret_of(again, "other")) == (OLD, NEW)
    assert before not in b"".join(path.read_bytes() for path in file.parent.rglob("*") if path.is_file())


def test_a_process_that_runs_on_finds_the_new_key_by_itself(opened: Hub, actor: Actor, feed: Path) -> None:
    with open_hub(opened.settings, opened.clock, registry=PLAIN) as other:
        other.connections.sealing.reseal(actor)
    assert secret_of(opened) == OLD
    opened.connections.changes.rotate(actor, "feed", {"api_key": NEW})  # and seals under it
    with open_hub(opened.settings, opened.clock, registry=PLAIN) as later:
        assert secret_of(later) == NEW


@pytest.mark.parametrize("at", ["fsync", "replace", "commit", "forget"])
def test_a_renewal_that_is_cut_short_loses_nothing_and_can_be_repeated(
    opened: Hub, actor: Actor, feed: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        if at == "fsync":
            broken.setattr(os, "fsync", die)
        elif at == "replace":
            broken.setattr(Path, "replace", die)
        elif at == "commit":
            broken.setattr(opened.audit, "record", die)
        else:
            broken.setattr(vault.Vault, "forget", die)
        with pytest.raises(KeyboardInterrupt):
            opened.connections.sealing.reseal(actor)
    with open_hub(opened.settings, opened.clock, registry=PLAIN) as again:
        assert secret_of(again) == OLD
        again.connections.sealing.reseal(actor)
        assert secret_of(again) == OLD
    assert sorted(path.name for path in opened.settings.data.glob("*secret.key*")) == ["secret.key"]


def test_a_renewal_ends_every_copy_of_a_key_that_killed_ones_left(opened: Hub, actor: Actor, feed: Path) -> None:
    file = opened.settings.data / "secret.key"
    for name in (".secret.key.4711-1.part", ".secret.key.before.4711-1.part"):
        (file.parent / name).write_bytes(file.read_bytes())
    opened.connections.sealing.reseal(actor)
    assert sorted(path.name for path in file.parent.glob("*secret.key*")) == ["secret.key"]


def _key() -> SecretStr:
    return SecretStr(base64.b64encode(os.urandom(32)).decode())


def test_a_key_that_is_set_from_outside_is_renewed_beside_the_former(
    opened: Hub, actor: Actor, feed: Path, settings: HubSettings
) -> None:
    first, second = _key(), _key()

    def using(**keys: SecretStr) -> HubSettings:
        return settings.model_copy(update=keys)

    with open_hub(using(secret_key=first), opened.clock, registry=PLAIN) as hub:  # what the file sealed still opens
        assert hub.connections.sealing.reseal(actor)[0] == 1
    with open_hub(using(secret_key=second, former_secret_key=first), opened.clock, registry=PLAIN) as hub:
        assert secret_of(hub) == OLD
        hub.connections.sealing.reseal(actor)
    with open_hub(using(secret_key=second), opened.clock, registry=PLAIN) as hub:
        assert secret_of(hub) == OLD


def test_a_missing_key_is_named_and_nothing_is_sealed_anew(opened: Hub, actor: Actor, feed: Path) -> None:
    wrong = opened.settings.model_copy(update={"secret_key": _key(), "data": opened.settings.data.parent / "elsewhere"})
    if opened.store.is_sqlite:
        (opened.settings.data.parent / "elsewhere").mkdir()
        opened.store.squeeze()
        for file in opened.settings.data.glob("alprhub*.sqlite3"):
            (wrong.data / file.name).write_bytes(file.read_bytes())
    with open_hub(wrong, opened.clock, registry=PLAIN) as hub:
        found = r"^ALPRHUB_SECRET_KEY has the key \w{12}, and the secrets of feed are sealed under the key \w{12}"
        with pytest.raises(AdminMustAct, match=found):
            hub.connections.accounts.open("feed")
        with pytest.raises(AdminMustAct, match="feed"):
            hub.connections.sealing.reseal(actor)
    assert secret_of(opened) == OLD
