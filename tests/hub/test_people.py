"""Who acts is whom the kernel knows, whatever the environment says."""

import os
import pwd
import re
from pathlib import Path
from typing import Any

import pytest

import hub
from hub.people import Actor, login_name, plainly


def test_no_environment_variable_says_who_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Actor.of_process()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "chief.of.police")
    assert Actor.of_process() == before
    assert not before.authenticated


def known(uid: int) -> Any:
    names = {998: "alprhub", 1000: "jlee"}
    if uid not in names:
        raise KeyError(uid)
    return pwd.struct_passwd((names[uid], "x", uid, uid, "", "/", "/bin/sh"))


UNSET = 4294967295
INIT, SSHD = (UNSET, 0), (UNSET, 0)
USER = 1000


def machine(proc: Path, *processes: tuple[int, int]) -> Path:
    """A tree of processes from the first to this one, of which each has a number of the login and a user."""
    for pid, (login, uid) in enumerate(processes, start=1):
        here = proc / ("self" if pid == len(processes) else str(pid))
        here.mkdir(parents=True)
        (here / "loginuid").write_text(str(login))
        uids = "\t".join([str(uid)] * 4)
        (here / "status").write_text(f"Name:\ta: b\nPid:\t{pid}\nPPid:\t{pid - 1}\nUid:\t{uids}\n")
    return proc


@pytest.fixture(autouse=True)
def users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwd, "getpwuid", known)
    monkeypatch.setattr(os, "getuid", lambda: 998)


SESSION = (INIT, SSHD, (1000, 0), (1000, USER), (1000, USER))
"""A shell behind `sshd`, whose process for the session root has given its number."""


def test_it_is_who_logged_in_whatever_they_run_it_as(tmp_path: Path) -> None:
    assert login_name(machine(tmp_path / "own", *SESSION, (1000, USER))) == "jlee"
    assert login_name(machine(tmp_path / "sudo", *SESSION, (1000, 0), (1000, 0))) == "jlee"
    assert login_name(machine(tmp_path / "other", *SESSION, (1000, 0), (1000, 998))) == "jlee"
    assert login_name(machine(tmp_path / "login", INIT, (1000, 0), (1000, USER), (1000, USER))) == "jlee"


def test_a_user_without_a_name_is_called_by_the_number(tmp_path: Path) -> None:
    assert login_name(machine(tmp_path, INIT, SSHD, (1234, 0), (1234, 1234))) == "uid 1234"


@pytest.mark.parametrize(
    "processes",
    [
        (INIT, SSHD, (UNSET, 0), (UNSET, USER), (1234, USER)),
        (INIT, SSHD, (UNSET, 0), (UNSET, USER), (1234, USER), (1234, USER)),
        (INIT, SSHD, (UNSET, 0), (1234, USER), (1234, USER), (1234, 998)),
        (INIT, SSHD, (UNSET, 0), (UNSET, USER), (1234, 0), (1234, 998)),
        (INIT, (1234, USER), (1234, 0), (1234, 998)),
    ],
    ids=["by itself", "by its shell", "by the first shell", "by what became sudo", "by what outlives its session"],
)
def test_a_number_that_no_login_gave_makes_no_person(tmp_path: Path, processes: tuple[tuple[int, int], ...]) -> None:
    assert login_name(machine(tmp_path, *processes)) == "jlee"


@pytest.mark.parametrize("uids", ["1000 0 0 0", "0 1000 0 0", "0 0 1000 0", "0 0 0 1000"])
def test_a_process_that_is_root_only_for_a_while_gave_none(tmp_path: Path, uids: str) -> None:
    proc = machine(tmp_path, *SESSION)
    for pid in ("3", "4", "self"):
        (proc / pid / "loginuid").write_text("1234")
    assert login_name(proc) == "uid 1234"
    (proc / "3" / "status").write_text(f"PPid:\t2\nUid:\t{uids}\n")
    assert login_name(proc) == "jlee"


def test_what_outlives_its_session_is_whose_it_was_also_behind_sudo(tmp_path: Path) -> None:
    assert login_name(machine(tmp_path / "orphan", INIT, (1000, USER))) == "jlee"
    assert login_name(machine(tmp_path / "sudo", INIT, (1000, USER), (1000, 0), (1000, 998))) == "jlee"


def test_where_the_whole_machine_has_it_nobody_sees_who_gave_it(tmp_path: Path) -> None:
    assert login_name(machine(tmp_path, (1000, 0), (1000, 0), (1000, 998))) == "alprhub"


@pytest.mark.parametrize("hidden", ["self/loginuid", "self/status", "2/status", "3/loginuid", "1/loginuid"])
def test_what_the_kernel_hides_is_not_guessed(tmp_path: Path, hidden: str) -> None:
    proc = machine(tmp_path, *SESSION)
    assert login_name(proc) == "jlee"
    (proc / hidden).unlink()
    assert login_name(proc) == "alprhub"


@pytest.mark.parametrize("login", ["", "-"])
def test_what_is_no_number_is_not_guessed(tmp_path: Path, login: str) -> None:
    proc = machine(tmp_path, *SESSION)
    (proc / "self" / "loginuid").write_text(login)
    assert login_name(proc) == "alprhub"


def test_where_no_login_was_noted_it_is_the_first_user_above_the_process(tmp_path: Path) -> None:
    unset = (INIT, SSHD, (UNSET, 0), (UNSET, USER), (UNSET, 0), (UNSET, 998))
    assert login_name(machine(tmp_path / "unset", *unset)) == "jlee"
    assert login_name(machine(tmp_path / "service", INIT, (UNSET, 998))) == "alprhub"
    assert login_name(machine(tmp_path / "container", (UNSET, 998), (UNSET, 998))) == "alprhub"


@pytest.mark.parametrize(
    "spelling", ["jlee", "JLee", " jlee ", "ｊｌｅｅ", "j\u200blee", "\ufeffJLEE", "\u0458l\u0435\u0435"]
)
def test_a_person_is_the_same_in_every_spelling(spelling: str) -> None:
    assert Actor("jlee").is_called(spelling)


@pytest.mark.parametrize("nothing", ["", " ", "....", "\u200b\u200d", "\u3164\u3164", "\u115f \uffa0", "\x00\n"])
def test_what_nobody_can_see_is_no_reason(nothing: str) -> None:
    assert plainly(nothing) == ""
    assert plainly(f"{nothing}Ｔｅst") == "test"


HELD_TO_BLANKS = re.compile(r"(?:not |len\()[\w.]*\b(?:reason|why|because|finding|how|force)\.strip\(\)")


def test_no_reason_is_held_to_its_blanks_alone() -> None:
    """`x.strip()` is true for what nobody can see: `plainly` is the rule."""
    for file in Path(hub.__path__[0]).rglob("*.py"):
        assert HELD_TO_BLANKS.findall(file.read_text("utf-8")) == [], file


@pytest.mark.parametrize("other", ["jleee", "j lee", "", "rlee"])
def test_another_person_is_another(other: str) -> None:
    assert not Actor("jlee").is_called(other)
