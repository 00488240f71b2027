"""The compose file and the image: what they start, set, mount and ask exists, and nothing in them is a secret."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import settings_known
import yaml
from units import offered, variables

import docs

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "compose"
FILE = COMPOSE / "compose.yaml"
IMAGES = {"POSTGRES_USER", "POSTGRES_PASSWORD", "MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"}
"""What the images of PostgreSQL and MinIO read."""
PASSWORDS = {"ALPRHUB_DB_PASSWORD", "PREFECT_DB_PASSWORD"}
"""What databases.sh reads."""
GIVEN = dict.fromkeys(("POSTGRES_PASSWORD", "ALPRHUB_DB_PASSWORD", "PREFECT_DB_PASSWORD", "S3_SECRET_KEY"), "given")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The compose file."""
    return dict(yaml.safe_load(FILE.read_text("utf-8")))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    """Its services by name."""
    return dict(compose["services"])


def test_it_has_everything_that_the_hub_stands_on(services: dict[str, Any]) -> None:
    assert {"run", "receiver", "prefect", "worker", "postgres", "s3"} <= set(services)
    assert services["worker"]["deploy"]["replicas"] == 2
    profiles = {name: service["profiles"] for name, service in services.items() if "profiles" in service}
    assert profiles == {"run": ["run"], "prefect": ["prefect"], "worker": ["prefect"]}
    assert variables(COMPOSE / "env.example")["COMPOSE_PROFILES"] in ("run", "prefect")


def test_what_it_starts_are_commands_with_these_options(services: dict[str, Any]) -> None:
    ours = {name: service["command"] for name, service in services.items() if service["image"].startswith("alprhub:")}
    assert {name for name, command in ours.items() if command[0] != "alprhub"} == {"bucket"}
    assert {name: docs.fault(words[1:]) for name, words in ours.items() if words[0] == "alprhub"} == dict.fromkeys(
        ("prepare", "run", "receiver", "prefect", "worker")
    )


def test_the_database_is_brought_up_before_anything_opens_it(services: dict[str, Any]) -> None:
    assert services["prepare"]["command"] == ["alprhub", "migrate"]
    for name in ("run", "receiver", "worker"):
        assert services[name]["depends_on"]["prepare"] == {"condition": "service_completed_successfully"}


def test_what_it_sets_is_a_setting_that_is_read(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert settings_known.unknown(service.get("environment", {}), IMAGES | PASSWORDS) == [], name


def test_what_it_asks_for_is_offered_by_the_example_and_holds_no_secret() -> None:
    text = FILE.read_text("utf-8")
    asked = set(re.findall(r"\$\{([A-Z0-9_]+)", text))
    example = COMPOSE / "env.example"
    assert asked | {"COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME"} == offered(example)
    assert {name for name, value in variables(example).items() if not value} == set(GIVEN)
    secrets = re.findall(r"^ *\w*(?:PASSWORD|SECRET|KEY)\w*: *(.*)$", text, re.MULTILINE)
    assert secrets
    assert all(value.startswith("${") and ":?" in value for value in secrets)
    assert not re.search(r"://\w+:(?!\$\{)[^@/\s]*@", text), "a password stands in an address"


def test_images_have_a_version(services: dict[str, Any]) -> None:
    for service in services.values():
        assert re.search(r":(\d|RELEASE\.\d)", service["image"]), service["image"]


def test_every_volume_is_named_and_used_and_every_file_is_there(compose: dict[str, Any]) -> None:
    mounts = [mount.split(":") for service in compose["services"].values() for mount in service.get("volumes", ())]
    assert {source for source, *_ in mounts if not source.startswith(".")} == set(compose["volumes"])
    for source, *_ in mounts:
        assert not source.startswith(".") or (COMPOSE / source).is_file()
    build = compose["x-hub"]["build"]
    assert (COMPOSE / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()


def test_health_is_asked_of_addresses_that_exist_and_everything_awaited_has_one(services: dict[str, Any]) -> None:
    asked = {
        name: re.findall(r"http://127\.0\.0\.1:(\d+)(/[\w/]*)", " ".join(service["healthcheck"]["test"]))
        for name, service in services.items()
        if "healthcheck" in service
    }
    assert asked == {"receiver": [("8355", "/health")], "prefect": [("4200", "/api/health")], "postgres": [], "s3": []}
    for name, port in (("receiver", "8355"), ("prefect", "4200")):
        assert port in services[name]["command"]
        assert services[name]["ports"] == [f"127.0.0.1:{port}:{port}"], "other machines would reach it without TLS"
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert other in asked, f"{name} waits for {other}, which never says that it is well"
            else:
                assert services[other]["restart"] == "no", f"{name} waits for the end of {other}, which never ends"


def test_what_it_runs_may_do_little(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if service["image"].startswith("alprhub:"):
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
            assert service["stop_grace_period"] == "30s", name


def test_telemetry_is_off_wherever_prefect_runs(services: dict[str, Any]) -> None:
    for name in ("prefect", "worker"):
        assert services[name]["environment"]["DO_NOT_TRACK"] == "1"
        assert services[name]["environment"]["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


def test_docker_takes_the_file(tmp_path: Path) -> None:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("docker-compose is not here: it has not been asked about the file")
    for path in COMPOSE.iterdir():
        shutil.copy(path, tmp_path)
    shutil.copy(ROOT / "deploy" / "alprhub.env.example", tmp_path / "alprhub.env")
    (tmp_path / ".env").write_text("\n".join(f"{name}=given" for name in (*GIVEN, "S3_ACCESS_KEY")))
    done = subprocess.run([program, "config", "--quiet"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_copies_what_is_there_and_what_is_not_kept_from_it() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "deploy" / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    paths = {path for line in copied for path in line.split()}
    assert all((ROOT / path).exists() for path in paths)
    kept = set((ROOT / ".dockerignore").read_text("utf-8").split())
    assert {f"!{path}" for path in paths} == {line for line in kept if line.startswith("!")}
    packages = re.findall(r"^packages = \[(.+)\]$", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)[0]
    assert set(re.findall(r'"(\w+)"', packages)) <= paths


def test_the_image_starts_from_a_version_and_does_not_run_as_root() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"python:3.11-slim"}
    assert "\nUSER alprhub\n" in text
    asked = re.findall(r"^(?:ENV |    )([A-Z]+[A-Z_]*)=", text, re.MULTILINE)
    assert "ALPRHUB_DATA" in asked
    assert settings_known.unknown(asked) == []


def test_what_runs_is_locked_as_what_is_tested_is() -> None:
    run, dev = (_pins(ROOT / "requirements" / name) for name in ("run.txt", "dev.txt"))
    assert {name: version for name, version in run.items() if dev.get(name) != version} == {}
    assert not {"pytest", "moto", "ruff", "mypy"} & set(run)
    assert "--hash=sha256:" in (ROOT / "requirements" / "run.txt").read_text("utf-8")


def _pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", path.read_text("utf-8"), re.MULTILINE))


@pytest.mark.slow
def test_the_bucket_is_made_once_and_found_the_second_time(services: dict[str, Any]) -> None:
    from moto.server import ThreadedMotoServer

    program, *words = services["bucket"]["command"]
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        environment = os.environ | {
            "ALPRHUB_IMAGES_ENDPOINT": f"http://{host}:{port}",
            **{name: "given" for name in settings_known.AWS if "KEY" in name},
            "AWS_DEFAULT_REGION": services["bucket"]["environment"]["AWS_DEFAULT_REGION"],
        }
        for _ in range(2):
            done = subprocess.run(
                [shutil.which(program) or program, *words], env=environment, check=False, capture_output=True
            )
            assert done.returncode == 0, done.stderr
    finally:
        server.stop()
