"""Receiving: pushes with pictures of 50 kB, taken and kept, beside FastAPI with the same writes to the same disk.

    python -m bench.receive [--seconds 60]

`raw` writes what the hub comes to write of a push, in the plainest way: the body, flushed before the answer, the
picture, flushed too, and the payload twice, as a database's log and table do. It proves nobody and parses nothing.
`hub` is `alprhub serve`, which keeps reads and pictures while it takes more. In the end the hub is killed with -9 in
the middle of its work, started again, and every push that it said it had taken is looked for.
"""

import argparse
import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from pathlib import Path
from statistics import median

import msgspec
from sqlalchemy import text

from hub.people import Actor
from hub.settings import HubSettings
from hub.wiring import open_hub, open_inbox

SENDERS = 16
PICTURE = 50_000
SECRET = "measured-by-nobody"
_RAW = """
import base64, itertools, json, os, sys
from pathlib import Path
import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
folder, numbers, app = Path(sys.argv[1]), itertools.count(), FastAPI()
log, table = (open(folder / name, "ab", buffering=0) for name in ("log", "table"))
def keep(body):
    number, picture = next(numbers), base64.b64decode(json.loads(body)["vehicle_crop_jpeg"])
    for name, data in ((f"{number}.push", body), (f"{number}.jpg", picture)):
        with open(folder / name, "wb") as file:
            file.write(data); file.flush(); os.fsync(file.fileno())
    log.write(picture); table.write(picture); os.unlink(folder / f"{number}.push")
@app.post("/in/{name}")
async def receive(name: str, request: Request):
    await run_in_threadpool(keep, await request.body())
    return Response(b"{}")
uvicorn.run(app, port=int(sys.argv[2]), access_log=False, log_level="warning", ws="none")
"""


def pushes(start: int) -> "list[tuple[str, bytes]]":
    """A round of pushes, each with the id under which its read will be kept."""
    draw = random.Random(start)
    picture = b64encode(b"\xff\xd8\xff" + draw.randbytes(PICTURE)).decode()
    made = []
    for number in range(start, start + 200):
        uuid = f"PUSHED-{number:09d}"
        body = msgspec.json.encode(
            {
                "data_type": "alpr_group",
                "epoch_start": time.time_ns() // 1_000_000,
                "best_uuid": uuid,
                "best_plate_number": f"{number % 10}SYN{number % 1000:03d}",
                "best_confidence": 91.5,
                "best_region": "us-ca",
                "camera_id": number % 40,
                "vehicle_crop_jpeg": picture,
            }
        )
        head = (
            f"POST /in/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nx-alprhub-key: {SECRET}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        made.append((uuid, head.encode() + body))
    return made


async def send(port: int, until: float, first: int, taken: list[str]) -> None:
    """One sender: pushes one after the other and notes those that were answered with 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        for uuid, push in pushes(first):
            writer.write(push)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
            )
            await reader.readexactly(length)
            if head.split()[1] == b"200":
                taken.append(uuid)
            if time.perf_counter() >= until:
                break
        first += 200
    writer.close()


def load(port: int, seconds: float, first: int, kill: "subprocess.Popen[bytes] | None" = None) -> list[str]:
    """What was taken in so many seconds by all senders; `kill` dies in the middle of it."""
    taken: list[str] = []

    async def all_of_them() -> None:
        until = time.perf_counter() + seconds
        if kill is not None:
            asyncio.get_running_loop().call_later(seconds / 2, kill.send_signal, signal.SIGKILL)
        senders = (send(port, until, first + n * 10_000_000, taken) for n in range(SENDERS))
        await asyncio.gather(*senders, return_exceptions=True)

    asyncio.run(all_of_them())
    return taken


def served(command: list[str], port: int, **told: str) -> "subprocess.Popen[bytes]":
    """A server that answers."""
    server = subprocess.Popen(command, env={**os.environ, **told})
    while server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.05)
    raise SystemExit("the server did not start")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Measure in turns, kill, look for everything, and print."""
    parser = argparse.ArgumentParser(description="Measure receiving.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alprhub-bench-") as scratch:
        settings = HubSettings(data=Path(scratch) / "hub")
        with open_hub(settings) as hub:
            account = {"api_key": "unused", "webhook_secret": SECRET, "base_url": "http://127.0.0.1:1"}
            hub.connections.add(Actor("bench"), "agents", "rekor", account, check=False)
        (Path(scratch) / "raw").mkdir()
        hub_port, raw_port, each = free_port(), free_port(), wanted.seconds / wanted.rounds
        command = [str(Path(sys.executable).with_name("alprhub")), "serve", "--port", str(hub_port)]
        raw = served([sys.executable, "-c", _RAW, str(Path(scratch) / "raw"), str(raw_port)], raw_port)
        serving = served(command, hub_port, ALPRHUB_DATA=str(settings.data))
        rates: dict[str, list[float]] = {"hub": [], "raw": []}
        taken: list[str] = []
        for turn in range(wanted.rounds):
            rates["raw"].append(len(load(raw_port, each, turn * 1_000_000)) / each)
            mine = load(hub_port, each, turn * 1_000_000)
            rates["hub"].append(len(mine) / each)
            taken += mine
        raw.kill()
        taken += load(hub_port, 4.0, 900_000_000, kill=serving)
        serving.wait()
        with open_hub(settings) as hub:
            waited = sum(path.stat().st_size for path in (settings.data / "inbox").iterdir())
            started = time.perf_counter()
            with open_inbox(hub) as inbox:
                inbox.keep()
            took = time.perf_counter() - started
            with hub.store.read() as connection:
                kept = set(connection.scalars(text("SELECT vendor_read_id FROM reads")))
        lost = len(set(taken) - kept)
        hub_rate, raw_rate = median(rates["hub"]), median(rates["raw"])
        print(
            f"taken {hub_rate:,.0f} pushes/s of {PICTURE // 1000} kB pictures; raw {raw_rate:,.0f}/s, "
            f"ratio {hub_rate / raw_rate:.2f}\n"
            f"killed with -9 with {waited / 1e6:,.0f} MB waiting, kept in {took:.1f} s after the restart; "
            f"{len(taken):,} taken in all, {lost} lost"
        )
        if lost:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
