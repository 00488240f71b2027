"""Who acts is whom the kernel knows, whatever the environment says."""

import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from hub.people import Actor, login_name


def test_no_environment_variable_says_who_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Actor.of_process()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "chief.of.police")
    assert Actor.of_process() == before
    assert not before.authenticated


def known(uid: int) -> Any:
    names = {1000: "jlee", os.getuid(): "alprhub"}
    if uid not in names:
        raise KeyError(uid)
    return pwd.struct_passwd((names[uid], "x", uid, uid, "", "/", "/bin/sh"))


@pytest.mark.parametrize(
    ("login", "name"),
    [
        ("1000", "jlee"),
        ("1000\n", "jlee"),
        ("4294967295", "alprhub"),
        ("", "alprhub"),
        ("1234", "uid 1234"),
        (None, "alprhub"),
    ],
)
def test_it_is_who_logged_in_also_behind_sudo_and_else_whom_the_process_runs_as(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, login: str | None, name: str
) -> None:
    monkeypatch.setattr(pwd, "getpwuid", known)
    file = tmp_path / "loginuid"
    if login is not None:
        file.write_text(login)
    assert login_name(file) == name


@pytest.mark.parametrize("spelling", ["jlee", "JLee", " jlee ", "ｊｌｅｅ", "j\u200blee", "\ufeffJLEE"])
def test_a_person_is_the_same_in_every_spelling(spelling: str) -> None:
    assert Actor("jlee").is_called(spelling)


@pytest.mark.parametrize("other", ["jleee", "j lee", "", "rlee"])
def test_another_person_is_another(other: str) -> None:
    assert not Actor("jlee").is_called(other)
