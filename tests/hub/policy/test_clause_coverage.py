"""The page of what is proved of the manuals says what the tests say, of every clause."""

from pathlib import Path

import clauses
import pytest


def test_the_page_says_what_the_tests_name() -> None:
    written = clauses.PAGE.read_text("utf-8")
    assert written == clauses.page(clauses.clauses(), clauses.proofs()), "run python tests/support/clauses.py"


def test_every_clause_of_the_manuals_is_on_the_page_once() -> None:
    listed = clauses.clauses()
    assert len(listed) == len({one.key for one in listed}) == 218
    lines = clauses.PAGE.read_text("utf-8").splitlines()
    for one in listed:
        said = [line for line in lines if line.startswith(f"| {one.number} | ") and f" | {one.text} | " in line]
        assert len(said) >= 1, one.key
    assert sum(line.count(" | ") == 4 and not line.startswith("| clause") for line in lines) >= 218


def test_what_no_test_names_says_which_service_it_waits_for() -> None:
    listed = clauses.clauses()
    told = clauses.page(listed, [])
    assert told.count("| not yet: ") == len(listed) + len(clauses.UNNAMED)
    assert all(one.service for one in listed)


def test_a_clause_is_proved_only_where_none_of_its_tests_lacks_anything() -> None:
    (one,) = [one for one in clauses.clauses() if one.key == "hermosa-beach 429.5 ¶2 s4"]
    part = clauses.Proof(one.key, "tests/test_a.py", "test_some", "thumbnails")
    other = clauses.Proof(one.key, "tests/test_c.py", "test_more", "copies")
    whole = clauses.Proof(one.key, "tests/test_b.py", "test_all", None)
    assert "| [all](../tests/test_b.py) |" in clauses.page([one], [whole])
    assert "in part: [some](../tests/test_a.py); lacks thumbnails |" in clauses.page([one], [part])
    told = clauses.page([one], [part, whole, other])
    assert "in part: [all](../tests/test_b.py), [some](../tests/test_a.py), [more](../tests/test_c.py)" in told
    assert "; lacks thumbnails; copies |" in told
    assert "| Hermosa Beach | 1 | 0 | 1 | 0 |" in told


def test_a_clause_that_no_manual_has_is_told() -> None:
    with pytest.raises(ValueError, match=r"no manual has .*: hermosa-beach 429\.99"):
        clauses.page(clauses.clauses(), [clauses.Proof("hermosa-beach 429.99", "tests/test_a.py", "test_a", None)])


def test_marks_are_read_without_running_a_test_and_one_that_is_not_plain_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    file = folder / "test_one.py"
    file.write_text('@pytest.mark.clause("a 1", "b 2", lacks="c")\ndef test_it() -> None:\n    raise SystemExit\n')
    assert clauses.proofs(folder) == [
        clauses.Proof("a 1", "tests/test_one.py", "test_it", "c"),
        clauses.Proof("b 2", "tests/test_one.py", "test_it", "c"),
    ]
    file.write_text("@pytest.mark.clause(NAME)\ndef test_it() -> None: ...\n")
    with pytest.raises(ValueError, match="malformed"):
        clauses.proofs(folder)
    file.write_text('@pytest.mark.clause("a 1", without="c")\ndef test_it() -> None: ...\n')
    with pytest.raises(ValueError, match="takes clauses"):
        clauses.proofs(folder)
