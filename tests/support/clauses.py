"""Which test proves which clause: `python tests/support/clauses.py` writes `docs/policy-coverage.md`.

A test names what it proves with `@pytest.mark.clause("hermosa-beach 429.5 ¶2 s4", "RET-10")`: clauses as
`hub/policy/profiles/clauses.csv` writes them behind the department's name, or requirements that no clause names. With
`lacks="…"` it says what no test proves of the clause yet: such a clause is proved in part, whatever other tests name
it. Where a department uses a clause's number twice the requirement follows it: `hayward 429.1 USE-01`. Tests are read
as text and never run, so the page says what is claimed; that the claims hold is what running the tests shows.
"""

import ast
import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
CSV = ROOT / "hub" / "policy" / "profiles" / "clauses.csv"
PAGE = ROOT / "docs" / "policy-coverage.md"
TESTS = ROOT / "tests"

SERVICES = {
    "ACC": "access", "AUD": "audit", "BRC": "breach", "COM": "policy", "COR": "alerts", "DEV": "device checks",
    "DPPA": "access", "EVD": "evidence", "GOV": "governance", "HIT": "alerts", "HOT": "hot lists", "ING": "ingest",
    "QRY": "search", "RET": "retention", "RPT": "audit reports", "SEC": "security suite", "SHR": "sharing",
    "TRN": "training", "USE": "purposes and misuse",
}  # fmt: skip
"""The service that a requirement waits for, by the letters its id begins with."""

UNNAMED = {
    "RET-08": "A read that comes again does not live longer for it.",
    "RET-09": "What was purged does not come back.",
    "RET-10": "At the instant of its end a read is gone from every answer, whether a purge has run or not.",
}
"""Requirements of the five manuals that no single clause of theirs names."""

KINDS = {
    "E": "enforced", "S": "asked for, with a reason", "R": "recorded", "P": "reported", "C": "configured", "N": "noted"
}  # fmt: skip


class Clause(NamedTuple):
    """One row of the list of clauses; `key` is how tests name it."""

    key: str
    agency: str
    number: str
    kind: str
    requirements: str
    text: str

    @property
    def service(self) -> str:
        """What it waits for as long as no test proves it."""
        said = (SERVICES[one.strip().split("-")[0]] for one in self.requirements.split(";"))
        return ", ".join(dict.fromkeys(said))


class Proof(NamedTuple):
    """A test that names a clause; `lacks` says what it leaves unproved."""

    key: str
    file: str
    test: str
    lacks: str | None


def clauses(file: Path = CSV) -> list[Clause]:
    """Every clause of the manuals, in their order."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    twice = Counter((row["agency"], row["clause"]) for row in rows)
    return [
        Clause(
            key=" ".join(
                (
                    row["agency"].lower().replace(" ", "-"),
                    row["clause"],
                    *((row["req"],) if twice[row["agency"], row["clause"]] > 1 else ()),
                )
            ),
            agency=row["agency"],
            number=row["clause"],
            kind=row["kind"],
            requirements=row["req"],
            text=row["requirement"],
        )
        for row in rows
    ]


def proofs(folder: Path = TESTS) -> list[Proof]:
    """Every claim of a test, read from its source; raises `ValueError` for a mark that is not plain text."""
    found: list[Proof] = []
    for file in sorted(folder.rglob("test_*.py")):
        source = file.read_text("utf-8")
        if "mark.clause(" in source:
            found.extend(_of(ast.parse(source), file.relative_to(folder.parent).as_posix()))
    return found


def _of(module: ast.Module, file: str) -> Iterator[Proof]:
    for node in ast.walk(module):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.clause":
                keys = [ast.literal_eval(one) for one in mark.args]
                said = {one.arg: ast.literal_eval(one.value) for one in mark.keywords}
                if not keys or said.keys() - {"lacks"}:
                    raise ValueError(f"{file}: {node.name}: clause() takes clauses, and lacks=")
                yield from (Proof(key, file, node.name, said.get("lacks")) for key in keys)


def page(listed: list[Clause], claimed: list[Proof]) -> str:
    """The page; raises `ValueError` where a test names what is no clause."""
    by_key: dict[str, list[Proof]] = {}
    for proof in claimed:
        by_key.setdefault(proof.key, []).append(proof)
    if unknown := sorted(by_key.keys() - {one.key for one in listed} - UNNAMED.keys()):
        raise ValueError(f"no manual has the clause that a test names: {'; '.join(unknown)}")
    said = {one.key: _status(one.service, by_key.get(one.key, [])) for one in listed}
    parts = [_HEAD, *_counts(listed, said)]
    for agency, rows in groupby(listed, key=lambda one: one.agency):
        parts += [f"\n## {agency}\n", "| clause | kind | requirement | what it says | test |", "|---|---|---|---|---|"]
        for one in rows:
            cells = (one.number, KINDS[one.kind], one.requirements, one.text, said[one.key])
            parts.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    parts += [
        "\n## Requirements that no single clause names\n",
        "| requirement | what it says | test |",
        "|---|---|---|",
    ]
    parts += [f"| {key} | {text} | {_status('retention', by_key.get(key, []))} |" for key, text in UNNAMED.items()]
    return "\n".join(parts) + "\n"


def _status(service: str, claimed: list[Proof]) -> str:
    """Tests that prove it; those that prove a part, with all that is missing; or what it waits for."""
    if not claimed:
        return f"not yet: {service}"
    told = ", ".join(_link(proof) for proof in sorted(claimed, key=lambda proof: proof.lacks is not None))
    lacks = "; ".join(dict.fromkeys(proof.lacks for proof in claimed if proof.lacks is not None))
    return f"in part: {told}; lacks {lacks}" if lacks else told


def _link(proof: Proof) -> str:
    return f"[{proof.test.removeprefix('test_').replace('_', ' ')}](../{proof.file})"


def _counts(listed: list[Clause], said: Mapping[str, str]) -> Iterator[str]:
    yield "| department | clauses | proved | in part | not yet |"
    yield "|---|---|---|---|---|"
    for agency, rows in groupby(listed, key=lambda one: one.agency):
        told = [said[one.key] for one in rows]
        part, none = (sum(one.startswith(start) for one in told) for start in ("in part", "not yet"))
        yield f"| {agency} | {len(told)} | {len(told) - part - none} | {part} | {none} |"


_HEAD = """\
# What the tests prove of the five manuals

Every clause of the five departments' manuals (`hub/policy/profiles/clauses.csv`), and the test that proves it: on the
real hub, with its database, or on the profile where the clause is about the profile alone. "In part" says what no
test proves yet, "not yet" which service the clause waits for. Generated from the tests' source by
`python tests/support/clauses.py`; a test fails where this page and they differ.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(clauses(), proofs()), "utf-8")


if __name__ == "__main__":
    main()
