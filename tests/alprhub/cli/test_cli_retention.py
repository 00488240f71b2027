"""`alprhub retention` and `alprhub policy preview | activate`: what is over, its certificates, and another policy."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.policy.document import FOLDER
from hub.store.engine import Store


def shorter(tmp_path: Path) -> str:
    """A file with the default policy, whose rules all end after an hour."""
    data = yaml.safe_load(FOLDER.joinpath("hermosa-beach.yaml").read_text())
    for rule in data["retention"]["rules"]:
        if rule["max"] is not None:
            rule["max"] = {"dur": "PT1S", "clock": "captured_at"}
    file = tmp_path / "shorter.yaml"
    file.write_text(yaml.safe_dump(data))
    return str(file)


def schedule(rule: str, dur: str) -> dict[str, Any]:
    """What a decision says that gives the number of the retention schedule."""
    return {"ceilings": {rule: {"dur": dur, "clock": "captured_at", "ref": "Schedule 26-17"}}}


@pytest.fixture
def by_schedule(signing: Any) -> tuple[str, ...]:
    """What is signed about `shorter`, as the command line takes it."""
    return ("--decisions", str(signing(hb_d3=schedule("hb-other", "PT1S"))))


def test_another_policy_is_previewed_put_in_force_and_its_purge_is_certified(
    run: Any, filled: Any, tmp_path: Path, approved: Any, by_schedule: tuple[str, ...]
) -> None:
    name = shorter(tmp_path)
    (change,) = run("policy", "preview", name, "--json").json()
    assert (change["connection"], change["reads"], change["end_now"]) == ("drop", 2, 2)
    assert "would remove 2 reads of drop at once" in run("policy", "preview", name).out
    assert run("retention", "preview", "--json").json() == []
    said = (*by_schedule, "--reason", "a shorter schedule", "--yes")
    assert run("policy", "activate", name, *said, "--json").json()["id"] == 1
    assert run("retention", "preview", "--json").json() == [], "one person alone changes nothing"
    assert run("approvals", "approve", 1, "--yes").code == 77
    told = approved().json()["recompute"]
    assert (told["changed"], told["shortened"], told["lengthened"]) == (2, 2, 0)
    assert run("policy", "activate", name, *said).code == 65
    (over,) = run("retention", "preview", "--json").json()
    assert over["reads"] == 2
    assert run("retention", "purge", "--json").json()["purged"] == {"drop": 2}
    reads = run("retention", "certificates", "--json").json()[-1]
    assert (reads["connection"], reads["reads"]) == ("drop", 2)
    assert run("retention", "certificates", "--verify", "--json").json()["verified"] >= 1
    shown = run("retention", "certificates").out
    assert "records set aside" in shown
    assert reads["closed_at"] not in shown
    assert run("retention", "preview").out == "nothing is over: a purge would remove nothing\n"


def renamed(tmp_path: Path) -> str:
    """A profile that keeps every read as long as before, by rules of other names."""
    data = yaml.safe_load(FOLDER.joinpath("hermosa-beach.yaml").read_text())
    for rule in data["retention"]["rules"]:
        rule["id"] = f"our-{rule['id']}"
    file = tmp_path / "renamed.yaml"
    file.write_text(yaml.safe_dump(data))
    return str(file)


def test_who_must_approve_a_policy_sees_what_it_would_do_to_the_reads_now(
    run: Any, filled: Any, tmp_path: Path, acting: Any, by_schedule: tuple[str, ...]
) -> None:
    run("policy", "activate", shorter(tmp_path), *by_schedule, "--reason", "a shorter schedule", "--yes")
    acting("sergeant")
    asked = run("approvals", "approve", 1, "--json", stdin="n\n")
    assert "end sooner" not in asked.out
    for seen in (run("approvals", "show", 1).out, asked.err):
        assert "what it would do to the reads that are kept, as of now:" in seen
        assert "end sooner" in seen
        assert "would remove 2 reads of drop at once" in seen
    assert "2 reads end sooner, 0 later; the next purge" in run("approvals", "approve", 1, "--yes").out
    assert "as of now" not in run("approvals", "show", 1).out


def test_reads_that_only_get_a_rule_of_another_name_are_told_apart_from_those_whose_end_moves(
    run: Any, filled: Any, tmp_path: Path, acting: Any, signing: Any
) -> None:
    signed = signing(hb_d3=schedule("our-hb-other", "P30D"))
    run("policy", "activate", renamed(tmp_path), "--decisions", signed, "--reason", "our own names", "--yes")
    acting("sergeant")
    said = run("approvals", "approve", 1, "--yes").out
    assert "is in force: 0 reads end sooner, 0 later; 2 reads end when they did, only by a rule of another name" in said


def test_a_purge_says_what_it_leaves_until_the_file_is_written_anew_which_can_be_done_at_once(
    run: Any, filled: Any, sql: Any
) -> None:
    idle = "nothing was purged since the database's file was last written anew\n"
    assert run("retention", "vacuum").out == idle
    assert "Bytes of them" not in run("purge").out
    sql("UPDATE reads SET expires_at = 1")
    assert "until it is written anew, in the night after: alprhub retention vacuum does it at once" in run("purge").out
    assert "the night after" in run("retention", "certificates").out
    done = run("retention", "vacuum")
    assert (done.code, done.err) == (0, "")
    assert "written anew: nothing that was purged is left in the database's file" in done.out
    assert "the night after" not in run("retention", "certificates").out
    assert run("retention", "certificates", "--json").json()[0]["rewritten_at"]
    assert run("retention", "vacuum").out == idle
    assert run("retention", "vacuum", "--json").json() == {"megabytes": 0, "traces": "vacuum"}
    assert [one["outcome"] for one in run("runs", "--job", "vacuum", "--json").json()] == ["done"] * 4


def test_with_postgresql_there_is_nothing_to_do_and_it_says_who_does_it(
    run: Any, filled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "traces", "server")
    done = run("retention", "vacuum")
    assert (done.code, done.out.count("\n")) == (0, 1)
    assert done.out.startswith("nothing to do: PostgreSQL itself makes the space of what was purged free")
    assert "autovacuum, on which the hub relies" in done.out
    assert run("retention", "vacuum", "--json").json() == {"megabytes": 0, "traces": "server"}


def test_where_the_disk_is_said_to_be_encrypted_a_purge_and_the_command_say_so(
    run: Any, filled: Any, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPRHUB_DISK_ENCRYPTED", "yes")
    sql("UPDATE reads SET expires_at = 1")
    assert "its disk is encrypted, says ALPRHUB_DISK_ENCRYPTED" in run("purge").out
    assert "no: its disk is encrypted" in run("retention", "certificates").out
    assert run("retention", "vacuum").out.startswith("not done: ALPRHUB_DISK_ENCRYPTED says that the disk is encrypted")
    assert "What is purged stays on an encrypted disk" in run("connections", "health").out


def _cut() -> None:
    raise KeyboardInterrupt


def test_what_was_cut_short_after_a_policy_was_put_in_force_is_gone_on_with(
    run: Any,
    filled: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    acting: Any,
    by_schedule: tuple[str, ...],
) -> None:
    assert (
        run("policy", "activate", shorter(tmp_path), *by_schedule, "--reason", "a shorter schedule", "--yes").code == 0
    )
    acting("sergeant")
    with monkeypatch.context() as cut:
        cut.setattr("hub.retention.recompute.Recompute.run", lambda *_: _cut())
        assert run("approvals", "approve", 1, "--yes").code == 130
    assert run("retention", "preview", "--json").json() == []
    assert run("policy", "recompute", "--json").json()["shortened"] == 2
    assert run("policy", "recompute").out == "no read has another end\n"


def test_certificates_are_handed_over_as_a_file_and_are_open_until_they_are_countersigned(
    run: Any, filled: Any, sql: Any, tmp_path: Path
) -> None:
    assert run("retention", "certificates", "--export", tmp_path / "none.json").code == 66
    assert run("retention", "certificates", "--open").out == "every certificate is countersigned\n"
    sql("UPDATE reads SET expires_at = 1")
    run("retention", "purge")
    out = tmp_path / "certificates.json"
    told = run("retention", "certificates", "--export", out, "--json").json()
    assert (told["certificates"], told["last_id"]) == (1, 1)
    assert json.loads(out.read_bytes())["certificates"][0]["certified"]["reads"] == 2
    assert run("retention", "certificates", "--export", out).code == 65
    assert run("retention", "certificates", "--export", tmp_path / "rest.json", "--since-id", 1).code == 66
    waiting = run("retention", "certificates", "--open", "--json")
    assert (waiting.code, waiting.json()[0]["id"]) == (0, 1)
    sql("UPDATE certificates SET closed_at = 1")
    assert run("retention", "certificates", "--open").code == 78
    sql("UPDATE certificates SET countersigned_at = 1")
    assert run("retention", "certificates", "--open").code == 0


def test_the_custodian_confirms_as_themselves_and_not_what_they_purged_by_hand(
    run: Any, filled: Any, sql: Any, acting: Any
) -> None:
    assert run("retention", "certificates", "--countersign", "1").code == 66
    sql("UPDATE reads SET expires_at = 1")
    run("retention", "purge")
    refused = run("retention", "certificates", "--countersign", "1")
    assert (refused.code, "ran the purge by hand" in refused.err) == (77, True)
    acting("custodian")
    (done,) = run("retention", "certificates", "--countersign", "1", "--note", "Custodian of Records", "--json").json()
    assert (done["custodian"], done["countersigned_note"]) == ("custodian", "Custodian of Records")


def test_what_is_in_force_is_what_was_put_there_with_what_was_signed(
    run: Any, filled: Any, tmp_path: Path, approved: Any, signing: Any
) -> None:
    signed = signing(lengthening={}, loosening={}, lb_d1={})
    preview = run("policy", "preview", "long-beach")
    assert "2 reads of drop" in preview.out
    assert "settles: lengthening" in " ".join(preview.out.split())
    run("policy", "activate", "long-beach", "--reason", "moved", "--decisions", signed, "--yes")
    assert run("policy", "show", "--json").json()["profile"] == "ca-hermosa-beach-pd"
    assert run("approvals", "show", 1, "--to", tmp_path / "evidence.yaml").code == 0
    assert (tmp_path / "evidence.yaml").read_bytes() == signed.read_bytes()
    approved()
    shown = run("policy", "show", "--json").json()
    assert shown["profile"] == "ca-long-beach-pd"
    assert "lb-d1" not in {one["id"] for one in shown["decisions_needed"]}
    rows = run("policy", "list", "--json").json()
    assert [row["profile"] for row in rows if row["in_force"]] == ["long-beach"]


def test_a_policy_that_is_not_there_is_not_put_in_force(run: Any, filled: Any) -> None:
    assert run("policy", "activate", "nowhere", "--reason", "a reason", "--yes").code == 66
    assert run("policy", "preview", "nowhere").code == 66


def test_a_policy_whose_schedule_is_missing_is_refused_before_anybody_is_asked(run: Any, filled: Any) -> None:
    refused = run("policy", "activate", "hermosa-beach", "--reason", "a reason")
    assert "the policy leaves hb-other to the agency's retention schedule" in refused.err
    assert "Propose it" not in refused.out + refused.err


def test_certificates_are_delivered_by_every_purge_and_by_hand(
    run: Any, filled: Any, sql: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = run("retention", "deliver")
    assert (nowhere.code, nowhere.out) == (78, "")
    assert "no place of the custodian's is set: set ALPRHUB_CUSTODIAN_FOLDER" in nowhere.err
    folder = tmp_path / "records"
    monkeypatch.setenv("ALPRHUB_CUSTODIAN_FOLDER", str(folder))
    sql("UPDATE reads SET expires_at = 1 WHERE vendor_read_id = 'r1'")
    told = run("purge")
    assert told.code == 0
    assert (
        "1 certificate of destruction did not get to their custodian by folder: alprhub retention deliver" in told.out
    )
    failed = run("retention", "deliver")
    assert failed.code == 78
    assert "is not there: make it, or mount it" in " ".join(failed.out.split())
    folder.mkdir()
    assert run("retention", "deliver").code == 0
    (letter,) = run("retention", "deliveries", "--json").json()
    assert letter["place"] == str(next(folder.iterdir()))
    assert (letter["way"], letter["tries"], letter["error"]) == ("folder", 3, None)
    assert run("retention", "deliver").out == "every certificate has reached its custodian\n"
    folder.rename(tmp_path / "away")
    later = run("retention", "deliver")
    assert later.code == 78
    assert "the next one would not arrive: ALPRHUB_CUSTODIAN_FOLDER" in " ".join(later.err.split())


def test_places_of_the_custodian_are_tried_before_there_is_a_certificate(
    run: Any, filled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "records"
    monkeypatch.setenv("ALPRHUB_CUSTODIAN_FOLDER", str(folder))
    monkeypatch.setenv("ALPRHUB_CUSTODIAN_EMAIL", "records@agency.example")
    monkeypatch.delenv("ALPRHUB_NOTICE_SMTP_HOST", raising=False)
    told = run("retention", "deliver")
    assert (told.code, told.out) == (78, "no certificate to deliver yet\n")
    said = " ".join(told.err.split())
    assert f"'{folder}' is not there: make it, or mount it" in said
    assert "ALPRHUB_CUSTODIAN_EMAIL: ALPRHUB_NOTICE_SMTP_HOST is not set" in said
    monkeypatch.setenv("ALPRHUB_NOTICE_SMTP_HOST", "mail.agency.example")
    folder.mkdir()
    with monkeypatch.context() as closed:
        closed.setattr("hub.proofs.recipients.os.access", lambda *_: False)
        assert "takes no files from this user" in " ".join(run("retention", "deliver").err.split())
    ready = run("retention", "deliver")
    assert (ready.code, ready.out, ready.err) == (0, "no certificate to deliver yet\n", "")
