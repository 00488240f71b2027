"""A checkpoint is a signed note: nobody writes another one without the key."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.transparency.checkpoint import Checkpoint, opened, public_key, verifier_key
from hub.transparency.tree import EMPTY, ProofBroken

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ROOT = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
SIGNED = Checkpoint("audit log of Example PD", 12, EMPTY)


def test_it_says_what_was_signed() -> None:
    note = SIGNED.signed(KEY)
    assert note.splitlines()[:4] == [
        "audit log of Example PD",
        "12",
        ROOT,
        "",
    ]
    assert note.splitlines()[4].startswith("— audit-log-of-Example-PD ")
    assert opened(note, KEY.public_key()) == SIGNED


def test_it_is_signed_as_the_public_key_says_that_others_keep() -> None:
    text = verifier_key(SIGNED.origin, KEY.public_key())
    assert text.startswith("audit-log-of-Example-PD+")
    assert opened(SIGNED.signed(KEY), public_key(f" {text}\n")) == SIGNED


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda note: note.replace("12", "13"), "signature is not that of its text"),
        (lambda note: note.replace("47DE", "48DE"), "signature is not that of its text"),
        (lambda note: note.replace("Example PD\n", "Example SO\n"), "another key"),
        (lambda note: note[:-9] + "AAAAAAA=\n", "signature is not that of its text"),
        (lambda note: note.replace("47DE", "47D"), "no Base64|not 32 bytes"),
        (lambda note: note + "more\n", "no checkpoint"),
        (lambda note: note.replace("\n12\n", "\n012\n"), "no checkpoint"),
        (lambda note: "", "no checkpoint"),
    ],
)
def test_whatever_is_changed_is_found(change: object, why: str) -> None:
    assert callable(change)
    with pytest.raises(ProofBroken, match=why):
        opened(change(SIGNED.signed(KEY)), KEY.public_key())


def test_another_key_signs_another_checkpoint() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with pytest.raises(ProofBroken, match="another key"):
        opened(SIGNED.signed(other), KEY.public_key())


@pytest.mark.parametrize("text", ["", "x", "x+y+z", "x+00000000+AUKX7GEZQHpVyoXpnXjlDosF3xJE+lx/QTT2sHkNB2Ua"])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(ProofBroken, match="no public key"):
        public_key(text)
