"""`alprhub retention destroy | orders`: what a court orders to destroy, and the order that is kept."""

import stat
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def order(tmp_path: Path) -> Path:
    """The file of an order."""
    file = tmp_path / "order.pdf"
    file.write_bytes(b"%PDF-1.7 IT IS SO ORDERED")
    return file


def words(order: Path) -> tuple[Any, ...]:
    return (
        *("retention", "destroy", "--order", order, "--number", "24-CV-0007", "--court", "Superior Court"),
        *("--reason", "taken in error"),
    )


def test_an_order_destroys_reads_by_id_and_its_file_can_be_had_again(
    run: Any, filled: Any, order: Path, tmp_path: Path, sql: Any, approved: Any
) -> None:
    assert run("retention", "orders").out == "no orders\n"
    proposal = run(*words(order), "--read", 1, "--json").json()
    assert (proposal["state"], proposal["content"]["reads"]) == ("waits", [1])
    assert run("approvals", "show", proposal["id"], "--to", tmp_path / "seen.pdf").code == 0
    assert (tmp_path / "seen.pdf").read_bytes() == order.read_bytes()
    assert run("retention", "orders").out == "no orders\n"
    assert approved().json()["outcome"] == {"order": "24-CV-0007", "reads": 1, "in_all": 1}
    (listed,) = run("retention", "orders", "--json").json()
    assert (listed["court"], listed["reads"], listed["approved_by"]) == ("Superior Court", 1, "sergeant")
    assert run("retention", "orders", "--save", "24-CV-0007", "--to", tmp_path / "copy.pdf").code == 0
    assert stat.S_IMODE((tmp_path / "copy.pdf").stat().st_mode) == 0o600, "it names plates"
    assert (tmp_path / "copy.pdf").read_bytes() == order.read_bytes()
    assert run("retention", "orders", "--save", "24-CV-0007", "--to", order).code == 65
    assert run("retention", "orders", "--save", "another", "--to", tmp_path / "none.pdf").code == 66
    assert run("retention", "certificates", "--json").json()[0]["rule"] == "order:24-CV-0007"


def test_an_order_destroys_what_a_question_means(run: Any, filled: Any, order: Path, acting: Any) -> None:
    asked = ("--purpose", "stolen_vehicle", "--connection", "drop")
    proposed = run(*words(order), *asked).out
    assert "nothing is destroyed yet: destroy 2 reads for good" in proposed
    assert "alprhub approvals approve 1" in proposed
    acting("sergeant")
    assert "order 24-CV-0007: 2 reads are destroyed in this hub" in run("approvals", "approve", 1, "--yes").out
    assert run(*words(order), "--read", 1, "--connection", "drop").code == 65


def test_who_must_approve_sees_the_orders_file_and_which_reads_it_destroys(
    run: Any, filled: Any, order: Path, acting: Any
) -> None:
    run(*words(order), "9SYN00?", "--purpose", "stolen_vehicle")
    acting("sergeant")
    shown = run("approvals", "show", 1).out
    for seen in (shown, run("approvals", "approve", 1, stdin="n\n").err):
        assert "the question: plate 9SYN00?\n" in seen
        digest = sha256(order.read_bytes()).hexdigest()
        assert f"the order's file: order.pdf, SHA-256 {digest}\n" in seen
        assert "of the reads here now: 2 (2 of drop), captured from 20" in seen
        assert "reads, by id: 1, 2\n" in seen
    assert run("approvals", "approve", 1, "--yes").code == 0
    assert "of the reads here now" not in run("approvals", "show", 1).out


def test_a_second_approval_of_one_order_says_how_many_went_by_it_and_how_many_in_all(
    run: Any, filled: Any, order: Path, acting: Any
) -> None:
    for read in (1, 2):
        run(*words(order), "--read", read)
    acting("sergeant")
    assert "order 24-CV-0007: 1 read is destroyed in this hub" in run("approvals", "approve", 1, "--yes").out
    said = run("approvals", "approve", 2, "--yes").out
    assert "order 24-CV-0007: 1 read is destroyed (2 in all by this order) in this hub" in said


def test_what_cannot_be_carried_out_is_refused(run: Any, filled: Any, order: Path, tmp_path: Path) -> None:
    assert run(*words(tmp_path / "none.pdf"), "--read", 1).code == 66
    assert run(*words(order), "--read", 99).code == 66
