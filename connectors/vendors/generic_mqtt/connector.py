"""The connector of an MQTT broker: what is published there, acknowledged once it is on the disk."""

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from connectors import contract
from connectors.contract import Document, Post
from connectors.errors import Closed
from connectors.mapping.mapped import Mapped
from connectors.vendors.generic_mqtt.settings import GenericMqttSettings

if TYPE_CHECKING:
    from connectors.vendors.generic_mqtt.broker import Broker

MOST_BYTES: Final = 16 << 20
"""Bytes of one message; a larger one is not taken."""
TICK: Final = 0.5
"""Seconds after which a listener that nothing comes to looks whether it should end."""


class GenericMqttConnector(Mapped[GenericMqttSettings]):
    """A broker, and whoever publishes there."""

    info = contract.Info(
        key="generic_mqtt",
        name="Any MQTT broker, by a map",
        company="any",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="generic",
        known_limits=(
            "The admin's map is as true as the admin: nobody here knows what the sender means by a field.",
            "What is published with QoS 0 is lost while nobody is connected; no broker keeps it.",
            "A broker keeps messages for a hub that is away as long, and as many, as it is set up to.",
            "The topic of a message is not kept: the message itself must name its camera, or the map a constant one.",
            "Without a mapped read id, camera, instant and plate are the id: two reads alike in all three are one.",
            "MQTT 3.1.1 over TCP or TLS alone: no WebSocket, no client certificate.",
        ),
    )
    Settings = GenericMqttSettings

    def check(self) -> str:
        """Log in and subscribe, under a name of the moment; a listener that is up goes on."""
        name = f"{self.settings.client_id}-check-{secrets.token_hex(4)}"
        with self._broker(name, clean=True) as broker:
            broker.subscribe(self.settings.topics)
        return "The broker lets this user in and read its topics; `alprhub serve` takes what is published there."

    def listen(self, post: Post) -> None:
        """Hand over what is published, until `post` has ended; see `Listens`."""
        with self._broker(self.settings.client_id) as broker:
            broker.subscribe(self.settings.topics, lambda: self._take(broker, post, 0.0))
            post.up()
            while not post.ended():
                self._take(broker, post, TICK)

    def subscriptions(self) -> Sequence[str]:
        """The client id, where the broker keeps a session of it. To ask ends a listener's connection."""
        with self._broker(self.settings.client_id) as broker:
            kept = broker.kept
        if kept:
            return [self.settings.client_id]
        self.unsubscribe()  # to ask has made one
        return []

    def unsubscribe(self) -> int:
        """Have the broker forget the session and what it keeps for it."""
        with self._broker(self.settings.client_id, clean=True):
            return 1

    def _take(self, broker: "Broker", post: Post, seconds: float) -> None:
        from connectors.vendors.generic_mqtt.broker import is_of

        messages = broker.gathered(seconds)
        taken = []
        for message in messages:
            if len(message.payload) > MOST_BYTES:
                post.dropped(f"had more than {MOST_BYTES:,} bytes")
            elif not is_of(message.topic, self.settings.topics):
                post.dropped("came by a topic that the setting topics does not name any more")
            elif message.payload:  # an empty one takes a retained message back, and says nothing
                taken.append(Document(bytes(message.payload), ""))
        if taken:
            post.hand(taken)
        broker.acknowledge(messages)

    def _broker(self, client_id: str, *, clean: bool = False) -> "Broker":
        from connectors.vendors.generic_mqtt.broker import Broker

        if self._closed:
            raise Closed(f"the connector of {self.info.name} was closed, so open it again")
        return Broker(self.settings, client_id, clean=clean)
