"""`guarded`: uvicorn's HTTP/1.1 with bounds for those who send slowly or nothing, before they have proved anything.

uvicorn's own time-out is for the pause between two requests, and its own limit refuses whoever comes last. Here a head
and a body have a time to arrive in, and where there are too many connections, the one goes that has sent nothing whole
for longest: whoever sends a push at once is never the one.
"""

import asyncio
from typing import ClassVar, Final, Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD: Final = 10.0
"""Seconds in which the head of a request must be there."""
BODY: Final = 60.0
"""Seconds in which the body of a request must be there."""
Part = Literal["head", "body"]


def guarded(most: int, head: float = HEAD, body: float = BODY) -> type[H11Protocol]:
    """The protocol for one server, which has no more than `most` connections."""

    class Guarded(H11Protocol):
        incomplete: ClassVar[dict[Part, dict["Guarded", None]]] = {"head": {}, "body": {}}
        """Connections that nobody works for, since something of their request has not come: the oldest first."""
        part: Part | None = None
        end: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._now_waits_for("head")
            if len(self.connections) > most:
                self._make_room()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._look()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._look()

        def shutdown(self) -> None:
            """The server ends: who has not sent a whole request will not be waited for."""
            if self.part is None:
                super().shutdown()
            else:
                self.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            self._now_waits_for(None)
            super().connection_lost(exc)

        def _look(self) -> None:
            """See what of a request has not come yet. A head that has not begun waits too, without an end of its own:
            uvicorn's time-out between two requests is that."""
            state = self.conn.their_state
            if state is h11.IDLE:
                self._now_waits_for("head", within=head if self.conn.trailing_data[0] else None)
            else:
                self._now_waits_for("body" if state is h11.SEND_BODY else None)

        def _now_waits_for(self, part: Part | None, within: float | None = -1.0) -> None:
            if within == -1.0:
                within = {"head": head, "body": body, None: None}[part]
            if part != self.part:
                self._forget()
                self.part = part
                if part is not None:
                    self.incomplete[part][self] = None
            if self.end is None and within is not None:
                self.end = self.loop.call_later(within, self.transport.abort)

        def _forget(self) -> None:
            if self.part is not None:
                self.incomplete[self.part].pop(self, None)
            if self.end is not None:
                self.end.cancel()
                self.end = None

        def _make_room(self) -> None:
            for waiting in self.incomplete.values():
                for oldest in waiting:
                    if oldest is not self:
                        oldest._forget()
                        oldest.part = None
                        oldest.transport.abort()
                        return
            self.transport.abort()

    return Guarded
