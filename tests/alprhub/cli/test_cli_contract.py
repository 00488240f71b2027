"""`alprhub connections contract`: what was agreed with a source, with the connection and later."""

from pathlib import Path
from typing import Any

WHY = ("--purpose", "stolen_vehicle", "--reason", "a stolen car, report 26-1", "--case", "26-1")
CONTRACT = """contract_id: 24-17
ceiling: {dur: P7D, clock: captured_at, ref: section 4.2}
ownership: {owner: Marisol Beach PD, ref: section 3}
sharing: {forbids: [export], ref: section 6}
"""


def test_a_contract_comes_with_a_connection_is_shown_and_another_waits_for_a_second_person(
    run: Any, drop: Any, tmp_path: Path
) -> None:
    file = tmp_path / "city.yaml"
    file.write_text(CONTRACT)
    added = run("connections", "add", "city", "motorola", *drop.settings, "--contract", file)
    assert added.code == 0, added.err
    assert "city: by its contract a read is kept at most 7 days from its capture (24-17 section 4.2)" in added.out
    shown = " ".join(run("connections", "show", "city").out.split())
    assert "the data are those of Marisol Beach PD (24-17 section 3)" in shown
    (first,) = run("connections", "contract", "city", "--json").json()
    assert (first["contract"]["contract_id"], first["approval"]) == ("24-17", None)
    refused = run("export", "9SYN001", "--out", tmp_path / "reads.csv", *WHY)
    assert refused.code == 77
    assert "the contract forbids that reads leave in a file: city (24-17 section 6)" in refused.err
    alone = run("connections", "contract", "city", "--end", "--reason", "the contract is over")
    assert alone.code == 77
    assert "loosens what is promised: city-ceiling (24-17 section 4.2) keeps reads at most 7 days" in alone.err
    stricter = tmp_path / "stricter.yaml"
    stricter.write_text(CONTRACT.replace("P7D", "P5D"))
    proposed = run("connections", "contract", "city", stricter, "--reason", "another schedule")
    assert proposed.code == 0, proposed.err
    assert "proposed, and nothing changes yet: city: a read is kept at most 5 days" in proposed.out
    assert "alprhub approvals approve 1" in proposed.out
    assert "contract 24-17: in force" in run("connections", "contract", "city").out
    assert run("connections", "contract", "city", file, "--reason", "again").code == 65
    file.write_text("celing: {dur: P7D}")
    wrong = run("connections", "contract", "city", file, "--reason", "another")
    assert wrong.code == 65
    assert "did you mean 'ceiling'?" in wrong.err


def test_a_contract_that_took_two_names_who_proposed_it_with_the_reason_and_who_approved(
    run: Any, drop: Any, tmp_path: Path, approved: Any
) -> None:
    file = tmp_path / "city.yaml"
    file.write_text(CONTRACT)
    run("connections", "add", "city", "motorola", *drop.settings)
    run("connections", "contract", "city", file, "--reason", "the city signed it")
    approved()
    (now,) = run("connections", "contract", "city", "--json").json()
    assert now["proposed_by"] not in (None, now["set_by"])
    shown = " ".join(run("connections", "contract", "city").out.split())
    assert f"proposed by {now['proposed_by']}: the city signed it (approved by {now['set_by']})" in shown
