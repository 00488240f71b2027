"""systemd's units: what they start exists, what they set is read, and systemd takes them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import settings_known
from units import Unit, offered, variables

import docs

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROGRAM = "/opt/alprhub/.venv/bin/alprhub"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
STARTING = [*UNITS, DEPLOY / "systemd" / "tls.conf"]
EXAMPLES = [DEPLOY / "alprhub.env.example", DEPLOY / "systemd" / "prefect-server.env.example"]


def _named(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", STARTING, ids=_named)
def test_what_a_unit_starts_is_a_command_with_these_options(path: Path) -> None:
    program, *words = Unit(path).command
    assert program == PROGRAM
    assert docs.fault(words) is None


@pytest.mark.parametrize("path", UNITS, ids=_named)
def test_what_a_unit_sets_is_a_setting_that_is_read(path: Path) -> None:
    assert settings_known.unknown(Unit(path).environment) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=_named)
def test_what_an_example_offers_is_a_setting_that_is_read(path: Path) -> None:
    assert offered(path)
    assert settings_known.unknown(offered(path)) == []


def test_every_setting_that_an_example_has_to_have_is_there_and_none_is_a_secret() -> None:
    assert variables(EXAMPLES[0]) == {"ALPRHUB_AGENCY": "Example Police Department", "ALPRHUB_PROFILE": "palm-springs"}
    assert variables(EXAMPLES[1]) == {}


@pytest.mark.parametrize("path", UNITS, ids=_named)
def test_every_unit_comes_back_ends_in_time_and_may_do_little(path: Path) -> None:
    unit = Unit(path)
    assert unit.one("Restart") == "always"
    assert unit.one("StartLimitIntervalSec") == "0", "systemd would give up after five ends in ten seconds"
    assert int(unit.one("TimeoutStopSec")) == 30
    assert unit.one("UMask") == "0077"
    assert (unit.one("NoNewPrivileges"), unit.one("ProtectSystem")) == ("yes", "strict")
    assert unit.one("StateDirectoryMode") == "0700"
    assert unit.one("WorkingDirectory") == f"/var/lib/{unit.one('StateDirectory')}"
    assert unit.environment["HOME"] == unit.one("WorkingDirectory")
    assert unit.one("WantedBy") == unit.one("PartOf") == "alprhub.target"
    assert unit.environment["DO_NOT_TRACK"] == "1"


def test_what_runs_the_hub_has_its_user_folder_and_settings_and_prefects_server_has_not() -> None:
    for path in UNITS:
        unit = Unit(path)
        if "prefect server" in unit.one("ExecStart"):
            assert unit.one("DynamicUser") == "yes"
            assert unit.all("EnvironmentFile") == ["-/etc/alprhub/prefect-server.env"]
            assert unit.one("InaccessiblePaths") == "-/var/lib/alprhub"
        else:
            assert unit.one("User") == "alprhub"
            assert unit.all("EnvironmentFile") == ["/etc/alprhub/alprhub.env"]
            assert unit.environment["ALPRHUB_DATA"] == "/var/lib/alprhub"


def test_what_opens_the_hub_brings_its_database_up_first_however_long_that_takes() -> None:
    for path in UNITS:
        unit = Unit(path)
        if unit.all("User") == ["alprhub"]:
            assert unit.one("ExecStartPre") == f"{PROGRAM} migrate"
            assert unit.one("TimeoutStartSec") == "infinity"


def test_the_stop_waits_longer_than_work_that_is_under_way() -> None:
    from hub.jobs.loop import GRACE

    assert all(int(Unit(path).one("TimeoutStopSec")) > GRACE.total_seconds() for path in UNITS)


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not here: systemd itself has not been asked about the units")
    program = Path(sys.executable).with_name("alprhub")
    for path in (DEPLOY / "systemd").iterdir():
        if path.suffix in (".service", ".target"):
            (tmp_path / path.name).write_text(path.read_text("utf-8").replace(PROGRAM, str(program)))
    dropped = tmp_path / "alprhub-serve.service.d"
    dropped.mkdir()
    tls = (DEPLOY / "systemd" / "tls.conf").read_text("utf-8")
    (dropped / "tls.conf").write_text(tls.replace(PROGRAM, str(program)))
    there = sorted(str(path) for path in tmp_path.iterdir() if path.is_file())
    done = subprocess.run(
        [verify, "verify", *there],
        check=False,
        capture_output=True,
        text=True,
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    ours = [line for line in done.stderr.splitlines() if "alprhub" in line or str(tmp_path) in line]
    assert (done.returncode, ours) == (0, [])


def test_the_command_for_people_is_shell_and_has_the_settings_of_the_services() -> None:
    script = DEPLOY / "systemd" / "alprhub.sh"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["sh", "-n", str(script)], check=False, capture_output=True).returncode == 0
    text = script.read_text("utf-8")
    run = Unit(DEPLOY / "systemd" / "alprhub-run.service")
    for value in (PROGRAM, run.one("EnvironmentFile"), run.environment["ALPRHUB_DATA"], f"--user {run.one('User')}"):
        assert value in text
