"""`Door`: a port that senders come to, each served by a thread, all of them bounded."""

import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock, Thread
from typing import Final

from connectors.contract import Document, Post
from connectors.errors import TryAgain
from connectors.framing import Framer, framer
from connectors.vendors.generic_tcp.settings import GenericTcpSettings, as_sent

MOST_BYTES: Final = 16 << 20
"""Bytes of one document; a sender of a larger one is hung up on."""
MOST_HELD: Final = 64 << 20
"""Bytes of documents that are not whole yet, of all senders together."""
PIECE: Final = 1 << 16
TICK: Final = 0.5
"""Seconds after which whoever waits for bytes looks whether it should end."""
STALLED: Final = 60.0
"""Seconds without a byte after which a document that was begun is given up."""
GREETING: Final = 10.0
"""Seconds that a sender has for its part of TLS."""


class Door:
    """Takes what senders write, until its `post` has ended."""

    def __init__(self, settings: GenericTcpSettings, post: Post, tls: ssl.SSLContext | None) -> None:
        self._settings = settings
        self._post = post
        self._tls = tls
        self._senders = [ip_network(sender) for sender in settings.senders]
        self._acknowledgement = as_sent(settings.acknowledgement)
        self._lines: dict[socket.socket, float] = {}
        self._spoken: dict[socket.socket, socket.socket] = {}
        self._held: dict[socket.socket, int] = {}
        self._shut: set[socket.socket] = set()
        self._threads: set[Thread] = set()
        self._lock = Lock()

    def keep_open(self, server: socket.socket) -> None:
        """Take in whoever comes and may, until it is time to end; every line is closed then."""
        server.settimeout(TICK)
        try:
            while not self._post.ended():
                try:
                    line, (host, *_) = server.accept()
                except TimeoutError:
                    continue
                except OSError as failed:
                    raise TryAgain(f"port {self._settings.port} takes nobody in now ({failed.strerror})") from None
                if self._may_send(host):
                    self._take_in(line)
                else:
                    line.close()
                    self._post.dropped(f"came from {host}, which the setting senders does not name")
        finally:
            with self._lock:
                lines, threads = list(self._lines), list(self._threads)
            for line in lines:
                self._shut_out(line)
            for thread in threads:
                thread.join(TICK * 4)

    def _may_send(self, host: str) -> bool:
        address = ip_address(host.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._senders)

    def _take_in(self, line: socket.socket) -> None:
        with self._lock:
            oldest = min(self._lines, key=lambda one: self._lines[one]) if self._lines else None
            full = len(self._lines) >= self._settings.most_lines
            self._lines[line] = time.monotonic()
            thread = Thread(target=self._serve, args=(line,), name=f"line at {self._settings.port}", daemon=True)
            self._threads.add(thread)
        if full and oldest is not None:
            self._shut_out(oldest)
        thread.start()
        with self._lock:
            self._threads = {one for one in self._threads if one.is_alive()}

    def _shut_out(self, line: socket.socket) -> None:
        """Hang up on a sender; what it has begun is not handed over."""
        with self._lock:
            self._shut.add(line)
            spoken = self._spoken.get(line, line)
        with suppress(OSError):
            spoken.shutdown(socket.SHUT_RDWR)

    def _serve(self, line: socket.socket) -> None:
        """Take what one sender writes, until it hangs up or must go."""
        spoken = line
        try:
            if self._tls is not None:
                line.settimeout(GREETING)
                spoken = self._tls.wrap_socket(line, server_side=True)
                with self._lock:
                    self._spoken[line] = spoken
            spoken.settimeout(TICK)
            made = framer(self._settings.framing, MOST_BYTES)
            if self._read(line, spoken, made) and (rest := made.rest()):
                self._hand([rest], spoken)
        except (OSError, ValueError):
            pass  # it is gone: whatever was whole is on the disk, and it sends again what it was not told of
        finally:
            with self._lock:
                self._lines.pop(line, None)
                self._held.pop(line, None)
                self._spoken.pop(line, None)
                self._shut.discard(line)
            for each in (spoken, line):
                each.close()

    def _read(self, line: socket.socket, spoken: socket.socket, made: Framer) -> bool:
        """Hand over what is whole; whether what is left is to be handed over as well."""
        heard = time.monotonic()
        while not self._post.ended():
            try:
                piece = spoken.recv(PIECE)
            except TimeoutError:
                silent = time.monotonic() - heard
                if silent > (STALLED if made.held else self._settings.idle_seconds):
                    return True
                continue
            except OSError:
                piece = b""
            if not piece:
                return line not in self._shut and not self._post.ended()
            heard = time.monotonic()
            with self._lock:
                self._lines[line] = heard
            documents = made.feed(piece)
            if documents and not self._hand(documents, spoken):
                return False
            if not self._has_room(line, made):
                return False
        return False

    def _has_room(self, line: socket.socket, made: Framer) -> bool:
        with self._lock:
            self._held[line] = made.held
            all_held = sum(self._held.values())
        if made.too_large:
            self._post.dropped(f"had more than {MOST_BYTES:,} bytes")
        elif all_held > MOST_HELD:
            self._post.dropped(f"came while others had sent {MOST_HELD:,} bytes without an end")
        else:
            return True
        return False

    def _hand(self, documents: Sequence[bytes], spoken: socket.socket) -> bool:
        """Put documents on the disk, however long that takes, and say so; False where it is time to end before that."""
        given = [Document(each, "") for each in documents]
        while True:
            try:
                self._post.hand(given)
                break
            except TryAgain:  # the sender waits: nothing more of it is read
                if self._post.ended(1.0):
                    return False
        if self._acknowledgement:
            with suppress(OSError):
                spoken.sendall(self._acknowledgement * len(documents))
        return True
