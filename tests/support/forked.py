"""`alprhub` for pages whose every command is typed: each is a process of its own, forked off one that has it imported.

To import a command takes longer than most of them take to run. How a process starts has tests of its own.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_CLIENT = """\
#!{python} -IS
import json, os, socket, sys
mask = os.umask(0)
told = {{"words": sys.argv[1:], "folder": os.getcwd(), "mask": mask, "environment": dict(os.environ)}}
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.connect({address!r})
    socket.send_fds(server, [json.dumps(told).encode()], [0, 1, 2])
    sys.exit(int(server.recv(16) or b"70"))
"""


@contextmanager
def alprhub(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment with an `alprhub` in front that need not import anything."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="alprhub-")))
        address, program = folder / "socket", folder / "alprhub"
        program.write_text(_CLIENT.format(python=sys.executable, address=str(address)))
        program.chmod(0o700)
        command = [sys.executable, __file__, str(address)]
        server = stack.enter_context(subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE))
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield {**environment, "PATH": f"{folder}{os.pathsep}{environment['PATH']}"}
        finally:
            server.kill()


def _serve(address: str) -> None:
    from typer.main import get_command

    from alprhub.cli.app import app

    tree: Any = get_command(app)
    for name in tree.commands:
        assert tree.commands[name] is not None  # asked for, it is imported
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks this process how they ended
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        os.write(1, b"ready\n")
        while True:
            client, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(client)
            client.close()


def _answer(client: socket.socket) -> None:
    """Be the command that a client was called as, and end as it would."""
    from alprhub.cli import main

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, given, *_ = socket.recv_fds(client, 1 << 20, 3)
    told = json.loads(message)
    for number, descriptor in enumerate(given):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
        for number, mode, errors in ((0, "r", "strict"), (1, "w", "strict"), (2, "w", "backslashreplace"))
    )
    os.chdir(told["folder"])
    os.umask(told["mask"])
    os.environ.clear()
    os.environ.update(told["environment"])
    sys.argv = ["alprhub", *told["words"]]
    code: Any = 70
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        client.send(str(code).encode())
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])
