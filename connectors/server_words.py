"""What an SFTP server refused, in words: which server, what is in the way, what would do."""

import errno
import socket

import paramiko

from connectors.errors import AdminMustFix, ConnectorError, TryAgain
from connectors.refusals import CONNECTING


def no_session(failed: Exception, host: str, port: int, user: str) -> ConnectorError:
    """Why nobody was let in, named by what happens next; it never quotes the password or the key."""
    name = f"the SFTP server {host}" + (f":{port}" if port != 22 else "")
    known = _not_trusted(failed, name, host, user) or _not_reached(failed, name, host, port)
    return known or TryAgain(f"{name} broke the connection off before anybody was let in")


def _not_trusted(failed: Exception, name: str, host: str, user: str) -> AdminMustFix | None:
    if isinstance(failed, paramiko.BadHostKeyException):
        return AdminMustFix(
            f"{name} shows another host key than the setting host_key holds: it was set up anew, or somebody stands"
            f" between. Ask who runs it, then set what `ssh-keyscan {host}` prints"
        )
    if isinstance(failed, paramiko.BadAuthenticationType):
        return AdminMustFix(f"{name} takes another kind of login from the user {user!r}: {_kinds(failed)}")
    if isinstance(failed, paramiko.AuthenticationException):
        return AdminMustFix(f"{name} refuses the user {user!r}, or the password or private key")
    if isinstance(failed, paramiko.SSHException) and "not found in known_hosts" in str(failed):
        return AdminMustFix(
            f"{name} shows a host key of another kind than the setting host_key holds: set what `ssh-keyscan {host}`"
            " prints"
        )
    return None


def _not_reached(failed: Exception, name: str, host: str, port: int) -> TryAgain | None:
    spelled = "see how the place is spelled, and whether this machine's DNS works"
    sentences = {
        socket.gaierror: f"the host name {host!r} is not known: {spelled}",
        ConnectionRefusedError: f"{host} refuses connections at port {port}: no SFTP server listens there",
        TimeoutError: f"{name} took no connection within {CONNECTING:.0f} s: it is off, or a firewall stands between",
    }
    text = next((text for kind, text in sentences.items() if isinstance(failed, kind)), None)
    if isinstance(failed, OSError) and failed.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        text = f"there is no way from this machine to {name}: see its network"
    if isinstance(failed, paramiko.SSHException) and "banner" in str(failed).lower():
        text = f"{host} answers at port {port}, but not as an SFTP server: see the port in the place"
    return TryAgain(text) if text else None


def _kinds(failed: paramiko.BadAuthenticationType) -> str:
    words = {"publickey": "a private key", "password": "a password", "keyboard-interactive": "a password at a keyboard"}
    return " or ".join(words.get(kind, kind) for kind in failed.allowed_types) or "none that is known here"
