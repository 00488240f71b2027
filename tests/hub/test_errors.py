"""Errors are one documented tree, and each has a code that programs may go by for ever."""

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import hub
from hub import errors
from hub.errors import HubError

for _module in walk_packages(hub.__path__, "hub."):
    if "migrations" not in _module.name:
        import_module(_module.name)

CODES = {
    "Busy": "busy",
    "AdminMustAct": "admin_must_act",
    "Conflict": "conflict",
    "Faults": "faults",
    "Full": "inbox_full",
    "HubError": "hub_error",
    "IntegrityBroken": "integrity_broken",
    "Invalid": "invalid",
    "NoAgency": "no_agency",
    "NoConnector": "no_connector",
    "NotFound": "not_found",
    "NotSent": "notice_not_sent",
    "Outdated": "outdated",
    "Overtaken": "overtaken",
    "Paused": "receiving_paused",
    "PolicyConflict": "policy_conflict",
    "PolicyRefused": "policy_refused",
    "Refused": "push_refused",
    "RemovalStopped": "removal_stopped",
    "Removed": "removed",
    "Stopped": "stopped",
    "Unsettled": "unsettled",
}
"""What was published: a code may be added, and none may change."""


def _all(of: type[HubError] = HubError, deep: int = 0) -> Iterator[tuple[type[HubError], int]]:
    yield of, deep
    for one in of.__subclasses__():
        if one.__module__.startswith("hub."):
            yield from _all(one, deep + 1)


def test_every_error_has_a_code_of_its_own_and_the_published_ones_stay() -> None:
    codes = {one.__name__: one.__dict__.get("code") for one, _ in _all()}
    assert None not in codes.values()
    assert len(set(codes.values())) == len(codes)
    assert CODES.items() <= codes.items()


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    told = re.findall(r"^((?:[ |]*)\+-- )(\w+)", errors.__doc__ or "", re.MULTILINE)
    assert {(name, (len(lead) - 5) // 5) for lead, name in told} == {(one.__name__, deep) for one, deep in _all()}
