"""Promises that the house makes on behalf of every connector there is: the contract suite, once for each.

`-k KEY` runs one connector's. The first run writes the golden file of a new example and fails until it was reviewed.
"""

from pathlib import Path
from typing import Any

from connectors.registry import available, connector
from connectors.testing import contract

ROOT = Path(__file__).parents[2]
NEEDED: dict[str, dict[str, Any]] = {
    "generic_mqtt": {"host": "127.0.0.1", "port": 1, "topics": ["lpr/#"]},
    "generic_tcp": {"port": 1, "senders": ["127.0.0.1"], "encrypted": "no"},
}
"""Settings that must be there and are no texts of any kind."""


def _suite(key: str) -> type[Any]:
    try:
        kind = connector(key)
    except Exception as broken:  # a module that cannot be imported fails its own tests, not everybody's
        return type("Broken", (), {"test_can_be_imported": _raising(broken)})
    fixtures, page = ROOT / "tests" / "vendors" / key, ROOT / "docs" / "vendors" / f"{key}.md"
    return contract(kind, fixtures, key=key, page=page, settings=NEEDED.get(key))


def _raising(broken: Exception) -> Any:
    def test(_self: object) -> None:
        raise broken

    return test


for _key in available():
    globals()[f"Test_{_key}"] = _suite(_key)
