"""What the units start comes up with their own environment, answers, and ends when it is told to."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefecthouse import free_port, until
from units import Unit, variables

DEPLOY = Path(__file__).parents[2] / "deploy"
FOLDERS = ("/var/lib/alprhub-prefect", "/var/lib/alprhub")
SERVER = "alprhub-prefect-server.service"


@dataclass
class Machine:
    """A folder in place of /var/lib, free ports in place of the units', and what was started there."""

    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, str] = field(default_factory=lambda: {port: str(free_port()) for port in ("4200", "8355")})

    def there(self, text: str) -> str:
        """A word of a unit as it is on this machine."""
        for folder in FOLDERS:
            text = text.replace(folder, str(self.folder / Path(folder).name))
        for port, free in self.ports.items():
            text = text.replace(port, free)
        return text.replace("%d", str(self.folder / "credentials"))

    def start(self, name: str, command: list[str] | None = None) -> None:
        """Start what a unit starts (or another command in its place) in its folder, with its environment."""
        unit = Unit(DEPLOY / "systemd" / name)
        environment = {"PATH": os.environ["PATH"]} | {key: self.there(value) for key, value in unit.environment.items()}
        if any("alprhub.env" in file for file in unit.all("EnvironmentFile")):
            environment |= variables(DEPLOY / "alprhub.env.example")
        words = [self.there(word) for word in command or unit.command]
        words[0] = str(Path(sys.executable).with_name("alprhub"))
        home = Path(self.there(unit.one("WorkingDirectory")))
        home.mkdir(mode=0o700, exist_ok=True)
        with (self.folder / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                words, cwd=home, env=environment, stdout=log, stderr=log, umask=int(unit.one("UMask"), 8),
                start_new_session=True,
            )  # fmt: skip

    def said(self, name: str) -> str:
        """What a unit's process has printed."""
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")

    def until(self, name: str, true: Callable[[], Any], what: str) -> None:
        """Wait for something of a unit; what it printed is told where that never comes."""

        def seen() -> Any:
            assert self.running[name].poll() is None, f"{name} has ended: {self.said(name)}"
            return true()

        until(seen, what, 170)

    def stop(self, name: str) -> None:
        """Tell it to end as systemd does, and hold it to the time that the unit gives.

        All but one of them are our own processes, which print no traceback. Prefect's server is not ours: where it is
        told to end while one of its own services is in the middle of a query it prints what SQLAlchemy says of that,
        and ends well. It is held to how it ends.
        """
        process = self.running.pop(name)
        process.terminate()
        code = process.wait(int(Unit(DEPLOY / "systemd" / name).one("TimeoutStopSec")))
        assert code in (0, -signal.SIGTERM, 128 + signal.SIGTERM), self.said(name)
        assert name == SERVER or "Traceback" not in self.said(name), self.said(name)

    def end(self) -> None:
        """Kill whatever is left."""
        for process in self.running.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine on which nothing has been started yet."""
    one = Machine(tmp_path)
    yield one
    one.end()


def _status(address: str, **how: Any) -> int:
    try:
        return httpx.get(address, timeout=5, **how).status_code
    except httpx.HTTPError:
        return 0


@pytest.mark.slow
def test_the_small_agencys_units(machine: Machine) -> None:
    run, receiver = "alprhub-run.service", "alprhub-serve.service"
    machine.start(run)
    machine.until(run, lambda: "schedules run for" in machine.said(run), "the schedules to run")
    machine.start(receiver)
    health = f"http://127.0.0.1:{machine.ports['8355']}/health"
    machine.until(receiver, lambda: _status(health) == 200, "the receiver to be well")
    for name in (run, receiver):
        machine.stop(name)
    readable = [path for path in machine.folder.joinpath("alprhub").rglob("*") if path.stat().st_mode & 0o077]
    assert readable == [], "others on the machine could read it"


@pytest.mark.slow
def test_the_receiver_speaks_tls_with_the_files_that_systemd_hands_it(machine: Machine) -> None:
    credentials = machine.folder / "credentials"
    credentials.mkdir()
    tls = Unit(DEPLOY / "systemd" / "tls.conf")
    names = [line.partition(":")[0] for line in tls.all("LoadCredential")]
    _certify(credentials, *names)
    receiver = "alprhub-serve.service"
    machine.start(receiver, shlex.split(tls.one("ExecStart").replace("0.0.0.0", "127.0.0.1")))
    health = f"https://127.0.0.1:{machine.ports['8355']}/health"
    machine.until(
        receiver, lambda: _status(health, verify=str(credentials / names[0])) == 200, "the receiver to be well"
    )
    machine.stop(receiver)


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_prefects_server_and_a_worker(machine: Machine) -> None:
    worker = "alprhub-prefect-worker@.service"
    api = f"http://127.0.0.1:{machine.ports['4200']}/api"
    machine.start(SERVER)
    machine.start(worker)  # beside it: it waits for its server
    machine.until(SERVER, lambda: _status(f"{api}/health") == 200, "Prefect's server to be well")

    def at_work() -> bool:
        workers = httpx.post(f"{api}/work_pools/alprhub/workers/filter", json={}, timeout=20)
        return workers.is_success and any(one["status"] == "ONLINE" for one in workers.json())

    def deployed() -> bool:
        found = httpx.post(f"{api}/deployments/filter", json={}, timeout=20).json()
        return {(one["work_pool_name"], one["status"]) for one in found} == {("alprhub", "READY")}

    machine.until(worker, at_work, "the worker to be known")
    machine.until(worker, deployed, "every deployment to have somebody who runs it")
    machine.stop(worker)
    machine.until(SERVER, lambda: _status(f"{api}/health") == 200, "Prefect's server to be well to the end")
    machine.stop(SERVER)


def _certify(folder: Path, certificate: str, key: str) -> None:
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    (folder / certificate).write_bytes(signed.public_bytes(pem))
    (folder / key).write_bytes(
        private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
