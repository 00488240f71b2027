"""An event is hashed as canonical JSON, which is the same whoever writes it."""

import json
from pathlib import Path

import pytest
import rfc8785

from hub.transparency.leaf import leaf
from hub.transparency.tree import leaf_hash


def test_what_others_made_canonical_is_made_so_here(shared: Path) -> None:
    given = sorted((shared / "oracles" / "jcs" / "testdata" / "input").glob("*.json"))
    assert len(given) == 6
    for path in given:
        wanted = path.parent.with_name("output") / path.name
        assert rfc8785.dumps(json.loads(path.read_text())) == wanted.read_bytes(), path.name


def test_a_leaf_has_its_place_and_the_order_of_keys_does_not_matter() -> None:
    placed = leaf({"b": "é\u2028", "a": [1, None, True]}, 7)
    assert placed.document == '{"a":[1,null,true],"b":"é\u2028","index":7}'.encode()
    assert placed.hash == leaf_hash(placed.document)
    assert leaf({"a": [1, None, True], "b": "é\u2028"}, 7) == placed
    assert leaf({"a": [1, None, True], "b": "é\u2028"}, 8) != placed


@pytest.mark.parametrize("value", [1 << 53, float("nan"), "\ud800"])
def test_what_two_readers_would_read_in_two_ways_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        leaf({"a": value}, 0)
