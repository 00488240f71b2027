"""`listening`: a port to take connections at, or words why there is none."""

import errno
import socket

from hub.errors import Invalid


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; raises `Invalid` naming what stands in the way."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except socket.gaierror:
        raise Invalid(f"--host {host}: is no address of this machine") from None
    except OverflowError:
        raise Invalid(f"--port {port}: must be from 1 to 65535") from None
    except PermissionError:
        raise Invalid(f"--port {port}: this user may not listen there; ports from 1024 are free to all") from None
    except OSError as refused:
        busy = (
            "another program listens there already; end it, or name another --port"
            if refused.errno == errno.EADDRINUSE
            else "is no address of this machine"
        )
        raise Invalid(f"--host {host} --port {port}: {busy}") from None
