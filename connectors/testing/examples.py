"""Example files and their golden files: what a connector makes of a body, told in JSON."""

from pathlib import Path
from typing import Any, Final

from connectors.contract import Connector, Document, Record
from connectors.errors import RecordRejected, VendorChanged

GOLDEN: Final = ".reads.json"
"""How the file ends that keeps what was reviewed: `group.json` has `group.reads.json` beside it."""


def documents(folder: Path) -> list[Path]:
    """The example files of a folder, by name."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in paths if path.is_file() and not path.name.endswith(GOLDEN) and path.name[0] != "."]


def golden(path: Path) -> Path:
    """Where the reviewed outcome of an example lies."""
    return path.with_name(path.stem + GOLDEN)


def orphans(folder: Path) -> list[str]:
    """Golden files whose example is gone."""
    stems = {path.stem for path in documents(folder)}
    kept = [path.name for path in folder.iterdir() if path.name.endswith(GOLDEN)] if folder.is_dir() else []
    return sorted(name for name in kept if name.removesuffix(GOLDEN) not in stems)


def outcomes(connector: Connector[Any], body: bytes, name: str) -> list[dict[str, Any]]:
    """Of each record in a body its read or refusal, or that the whole body is refused."""
    try:
        records = list(connector.unpack(Document(body, name=name)))
    except VendorChanged as changed:
        return [{"changed": str(changed)}]
    outcomes = []
    for record in records:
        outcome: dict[str, Any] = {"kind": record.kind, "part": record.part}
        try:
            outcome["read"] = connector.parse(record).model_dump(mode="json", exclude_defaults=True)
        except RecordRejected as refused:
            outcome["rejected"] = str(refused)
        outcomes.append(outcome)
    return outcomes


def records(connector: Connector[Any], folder: Path) -> list[Record]:
    """Every record of every example that is the vendor's."""
    records: list[Record] = []
    for path in documents(folder):
        try:
            records += connector.unpack(Document(path.read_bytes(), name=path.name))
        except VendorChanged:
            continue
    return records
