"""`alprhub retention destroy | orders`: what a court orders to destroy, and the order that is kept."""

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
        *("--approved-by", "chief", "--reason", "taken in error"),
    )


def test_an_order_destroys_reads_by_id_and_its_file_can_be_had_again(
    run: Any, filled: Any, order: Path, tmp_path: Path, sql: Any
) -> None:
    assert run("retention", "orders").out == "no orders\n"
    told = run(*words(order), "--read", 1, "--json").json()
    assert (told["number"], told["reads"]) == ("24-CV-0007", 1)
    (listed,) = run("retention", "orders", "--json").json()
    assert (listed["court"], listed["reads"], listed["approved_by"]) == ("Superior Court", 1, "chief")
    assert run("retention", "orders", "--save", "24-CV-0007", "--to", tmp_path / "copy.pdf").code == 0
    assert (tmp_path / "copy.pdf").read_bytes() == order.read_bytes()
    assert run("retention", "orders", "--save", "24-CV-0007", "--to", order).code == 65
    assert run("retention", "orders", "--save", "another", "--to", tmp_path / "none.pdf").code == 66
    assert run("retention", "certificates", "--json").json()[0]["rule"] == "order:24-CV-0007"


def test_an_order_destroys_what_a_question_means(run: Any, filled: Any, order: Path) -> None:
    asked = ("--purpose", "stolen_vehicle", "--connection", "drop")
    assert "2 reads are destroyed" in run(*words(order), *asked).out
    assert run(*words(order), "--read", 1, "--connection", "drop").code == 65


def test_what_cannot_be_carried_out_is_refused(run: Any, filled: Any, order: Path, tmp_path: Path) -> None:
    assert run(*words(tmp_path / "none.pdf"), "--read", 1).code == 66
    assert run(*words(order), "--read", 99).code == 66
