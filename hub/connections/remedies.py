"""What a person does about an account that its vendor refuses, told by how it was refused.

A vendor's refusal reaches the hub as a status or as words. What neither tells apart gets an advice that is right for
all: the settings, or the vendor.
"""

import re
from typing import Final, NamedTuple


class Remedy(NamedTuple):
    """A stable code, what was found in our own words, what to do, and the command (`{name}`: the connection)."""

    code: str
    found: str
    do: str
    command: str


_RESUME: Final = "alprhub connections resume {name}"
_ROTATE: Final = "alprhub connections rotate {name}"
KEY: Final = Remedy(
    "key_refused",
    "the key or login was refused",
    "Put in the new key with the command below: it is tried before it takes the old one's place. Then let the"
    f" connection run again: {_RESUME}",
    _ROTATE,
)
_CONTRACT: Final = Remedy(
    "contract_over",
    "the vendor wants its contract or its payment settled",
    "Settle the contract with the vendor, then let the connection run again; the account is tried first.",
    _RESUME,
)
_RIGHT: Final = Remedy(
    "right_missing",
    "the account lacks a right",
    "Have the owner of the account or place give it the right that is missing, or put in a key that has it"
    f" ({_ROTATE}); then let the connection run again.",
    _RESUME,
)
_SIZE: Final = Remedy(
    "too_much",
    "it is more than the vendor takes",
    "Make it smaller, or have the vendor raise the limit; then let the connection run again.",
    _RESUME,
)
_PLACE: Final = Remedy(
    "place_missing",
    "the place that it takes files from is not there",
    "Mount or make the place again, or name another one (alprhub connections change {name} --set SETTING=VALUE); then"
    " let the connection run again.",
    _RESUME,
)
_ADDRESS: Final = Remedy(
    "address_refused",
    "its address does not lead to the service, or this machine does not trust what answers there",
    "Do what the refusal says; the address and the host key are changed with alprhub connections change {name} --set"
    " SETTING=VALUE. Then let the connection run again, which tries the account first.",
    _RESUME,
)
_OTHER: Final = Remedy(
    "account_refused",
    "the account does not work as it is set up",
    "Change the setting that is wrong (alprhub connections change {name} --set SETTING=VALUE), or have the vendor put"
    " right what it says; then let the connection run again, which tries the account first.",
    _RESUME,
)


_BY_STATUS: Final = {"401": KEY, "402": _CONTRACT, "403": _RIGHT, "413": _SIZE}
_STATUS: Final = re.compile(r"\banswered (\d{3})\b")
_BY_WORDS: Final = (
    (re.compile(r"no right|the right to|permission denied|may not be (used|opened|read)", re.IGNORECASE), _RIGHT),
    (re.compile(r"larger than|takes at most|no room", re.IGNORECASE), _SIZE),
    (re.compile(r"\bkey id\b|\bkey's time\b|\bprivate key\b", re.IGNORECASE), KEY),
    (re.compile(r"host.key|certificate|\bTLS\b|spelled|in the address|another region", re.IGNORECASE), _ADDRESS),
    (re.compile(r"folder|bucket|no such file|\bplace\b", re.IGNORECASE), _PLACE),
    (re.compile(r"\b(key|keys|login|password|token|secret|credentials?|signature)\b", re.IGNORECASE), KEY),
)


def remedy(refusal: str, name: str) -> Remedy:
    """What to do about the refusal of an account: by its status, where it has one, since words may be the vendor's."""
    status = _STATUS.search(refusal)
    cure = _BY_STATUS.get(status[1]) if status else None
    if cure is None:
        cure = next((fitting for words, fitting in _BY_WORDS if words.search(refusal)), _OTHER)
    return cure._replace(do=cure.do.format(name=name), command=cure.command.format(name=name))
