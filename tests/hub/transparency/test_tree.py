"""The tree of RFC 9162: proofs of others hold or fail as they say, and ours lead where they must."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.transparency.tree import (
    EMPTY,
    Frontier,
    ProofBroken,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
)  # fmt: skip


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(bytes([number])) for number in range(size)]


def held(vector: dict[str, Any]) -> bool:
    """Whether what a vector gives is proved."""
    proof = [b64decode(each) for each in vector["proof"] or []]
    raw = {name: b64decode(vector.get(name) or "") for name in ("leafHash", "root", "root1", "root2")}
    try:
        if "leafIdx" in vector:
            check_inclusion(vector["leafIdx"], vector["treeSize"], raw["leafHash"], proof, raw["root"])
        else:
            check_consistency(vector["size1"], vector["size2"], raw["root1"], raw["root2"], proof)
    except ProofBroken:
        return False
    return True


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_every_proof_of_others_holds_or_fails_as_they_say(shared: Path, kind: str) -> None:
    vectors = sorted((shared / "oracles" / "merkle" / "testdata" / kind).rglob("*.json"))
    assert len(vectors) > 50
    for path in vectors:
        vector = json.loads(path.read_text())
        assert held(vector) is not vector["wantErr"], path


def test_a_tree_without_leaves_and_one_with_two() -> None:
    assert Frontier().root.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    one, two = leaf_hash(b""), leaf_hash(b"\0")
    assert one.hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root_of([one]) == one
    assert root_of([one, two]).hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"


@given(st.integers(1, 70), st.data())
def test_each_leaf_is_proved_to_be_in_its_place_and_in_no_other(size: int, data: Any) -> None:
    tree = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, lambda begin, end: root_of(tree[begin:end]))
    check_inclusion(index, size, tree[index], proof, root_of(tree))
    for other in set(range(size)) - {index}:
        with pytest.raises(ProofBroken):
            check_inclusion(other, size, tree[index], proof, root_of(tree))


@given(st.integers(1, 70), st.data())
def test_a_log_is_proved_to_go_on_from_what_it_was_and_from_nothing_else(size: int, data: Any) -> None:
    tree = leaves(size)
    former = data.draw(st.integers(1, size))
    proof = consistency_proof(former, size, lambda begin, end: root_of(tree[begin:end]))
    check_consistency(former, size, root_of(tree[:former]), root_of(tree), proof)
    with pytest.raises(ProofBroken):
        check_consistency(former, size, EMPTY, root_of(tree), proof)
    with pytest.raises(ProofBroken):
        check_consistency(former, size, root_of(tree[:former]), root_of(tree), [*proof, EMPTY])


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_tree_goes_on_from_its_full_subtrees(size: int, more: int) -> None:
    tree = Frontier()
    for leaf in leaves(size):
        tree.append(leaf)
    again = Frontier(tree.size, tree.roots)
    for leaf in leaves(size + more)[size:]:
        again.append(leaf)
    assert again.root == root_of(leaves(size + more))


@pytest.mark.parametrize(("size", "roots"), [(0, [EMPTY]), (3, [EMPTY]), (-1, []), (4, [])])
def test_so_many_leaves_have_so_many_full_subtrees(size: int, roots: list[bytes]) -> None:
    with pytest.raises(ValueError, match="full subtrees"):
        Frontier(size, roots)
