"""`Broker`: one connection to an MQTT broker, whose messages are acknowledged by hand. Of one thread."""

import select
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, topic_matches_sub
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from connectors.errors import AdminMustFix, TryAgain
from connectors.vendors.generic_mqtt.settings import GenericMqttSettings

PATIENCE: Final = 10.0
"""Seconds that a broker has for each of its answers."""
KEEP_ALIVE: Final = 30
"""Seconds after which a silent line is tried, and given up at half as much again."""
TOGETHER: Final = 500
TOGETHER_BYTES: Final = 8 << 20
"""Messages, and their bytes, that are handed over at once."""
_REFUSALS: Final = {
    "Unsupported protocol version": "does not speak MQTT 3.1.1",
    "Client identifier not valid": "does not take the client id: change the setting client_id",
    "Bad user name or password": "refused the login: see to the settings user and password",
    "Not authorized": "does not let this user in: see to the settings user and password, or to its access list",
}


class Broker:
    """A session at a broker: `with Broker(settings, name) as broker:`; one that is not `clean` is kept there."""

    def __init__(self, settings: GenericMqttSettings, client_id: str, *, clean: bool = False) -> None:
        self._where = f"the broker at {settings.host}:{settings.port}"
        self._settings = settings
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=clean,
            protocol=MQTTProtocolVersion.MQTTv311, reconnect_on_failure=False, manual_ack=True,
        )  # fmt: skip
        self._client.connect_timeout = PATIENCE
        self._client.on_connect = self._greeted
        self._client.on_subscribe = self._answered
        self._client.on_message = self._came
        self._greeting: tuple[bool, ReasonCode] | None = None
        self._granted: list[ReasonCode] | None = None
        self._messages: list[MQTTMessage] = []

    def __enter__(self) -> Self:
        """Connect and log in; raises `AdminMustFix` where that is refused, `TryAgain` where nobody answers."""
        told = self._settings
        if told.user or told.password:
            self._client.username_pw_set(told.user, told.password.get_secret_value() if told.password else None)
        if told.tls:
            context = ssl.create_default_context(cadata=told.ca_certificate or None)
            self._client.tls_set_context(context)
        try:
            self._client.connect(told.host, told.port, KEEP_ALIVE)
        except ssl.SSLCertVerificationError as untrusted:
            raise AdminMustFix(
                f"{self._where} shows a certificate that this machine does not trust ({untrusted.verify_message}): give"
                " that of its authority as the setting ca_certificate"
            ) from None
        except ssl.SSLError:
            raise AdminMustFix(f"{self._where} speaks no TLS there: see to the settings port and tls") from None
        except (OSError, ValueError) as away:
            self.__exit__(None, None, None)
            raise TryAgain(f"{self._where} cannot be reached ({_reason(away)})") from None
        try:
            self._until(lambda: self._greeting is not None)
            self._must_be_let_in()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say good-bye; what was not acknowledged comes again."""
        with suppress(Exception):
            self._client.disconnect()
            self._client.loop_write()
        if (line := self._client.socket()) is not None:
            line.close()

    @property
    def kept(self) -> bool:
        """Whether the broker had kept a session of this client id."""
        return self._greeting is not None and self._greeting[0]

    def subscribe(self, topics: Sequence[str], meanwhile: Callable[[], None] = lambda: None) -> None:
        """Have messages of these topics sent until each is acknowledged; raises `AdminMustFix` where one is refused.

        Messages that were kept may come before the answer, and some brokers want them acknowledged first: `meanwhile`
        sees to that.
        """
        self._granted = None
        self._client.subscribe([(topic, 1) for topic in topics])
        self._until(lambda: self._granted is not None, meanwhile)
        answers: list[ReasonCode] = self._granted or []
        for topic, granted in zip(topics, answers, strict=False):
            if granted.is_failure:
                raise AdminMustFix(f"{self._where} has no right for this user to read the topic {topic!r}")

    def gathered(self, seconds: float) -> list[MQTTMessage]:
        """What has come, after so many seconds at most; raises `TryAgain` where the line broke."""
        if not self._messages:
            self._pump(seconds)
        while self._messages and len(self._messages) < TOGETHER:
            before = len(self._messages)
            if sum(len(message.payload) for message in self._messages) > TOGETHER_BYTES:
                break
            self._pump(0.0)
            if len(self._messages) == before:
                break
        messages, self._messages = self._messages, []
        return messages

    def acknowledge(self, messages: Iterable[MQTTMessage]) -> None:
        """Tell the broker that it may forget these."""
        for message in messages:
            if message.qos:
                self._client.ack(message.mid, message.qos)

    def _must_be_let_in(self) -> None:
        reason = self._greeting[1] if self._greeting else None
        if reason is None or not reason.is_failure:
            return
        if (refused := _REFUSALS.get(str(reason))) is not None:
            raise AdminMustFix(f"{self._where} {refused}")
        raise TryAgain(f"{self._where} takes nobody in now")

    def _until(self, answered: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> None:
        ends = time.monotonic() + PATIENCE
        while not answered():
            left = ends - time.monotonic()
            if left <= 0:
                raise TryAgain(f"{self._where} gave no answer within {PATIENCE:.0f} seconds")
            self._pump(left, answered)
            meanwhile()

    def _pump(self, seconds: float, answered: Callable[[], bool] = lambda: False) -> None:
        """Let the client read and write a packet; by `poll`, since a hub may have more files open than `select` can."""
        line = self._client.socket()
        if line is None:
            raise self._broken()
        lies = isinstance(line, ssl.SSLSocket) and line.pending() > 0
        poll = select.poll()
        poll.register(line, select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
        events = dict(poll.poll(0 if lies else seconds * 1000)).get(line.fileno(), 0)
        result = MQTTErrorCode.MQTT_ERR_SUCCESS
        if lies or events & ~select.POLLOUT:
            result = self._client.loop_read()
        if not result and self._client.want_write():
            result = self._client.loop_write()
        result = result or self._client.loop_misc()
        if result == MQTTErrorCode.MQTT_ERR_PROTOCOL:
            raise AdminMustFix(f"what answers at {self._settings.host}:{self._settings.port} does not speak MQTT")
        if result and not answered():
            raise self._broken()

    def _broken(self) -> TryAgain:
        if self._greeting is not None:
            return TryAgain(f"{self._where} ended the connection")
        return TryAgain(
            f"{self._where} ended the connection without a greeting: see that a broker is at that port, and whether it"
            " speaks TLS there (the settings port and tls)"
        )

    def _greeted(self, _client: Client, _data: Any, flags: ConnectFlags, reason: ReasonCode, _props: Any) -> None:
        self._greeting = (flags.session_present, reason)

    def _answered(self, _client: Client, _data: Any, _mid: int, reasons: list[ReasonCode], _props: Any) -> None:
        self._granted = reasons

    def _came(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self._messages.append(message)


def is_of(topic: str, filters: Iterable[str]) -> bool:
    """Whether a topic is one that any of the filters means."""
    return any(topic_matches_sub(each, topic) for each in filters)


def _reason(away: Exception) -> str:
    if isinstance(away, TimeoutError):
        return f"no answer within {PATIENCE:.0f} seconds"
    text = getattr(away, "strerror", None) or "its name is not known"
    return str(text)[:1].lower() + str(text)[1:]
