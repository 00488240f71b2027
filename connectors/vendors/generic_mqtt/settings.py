"""Which broker, which topics, and as whom."""

import re
import ssl
from typing import Final

from pydantic import Field, SecretStr, field_validator

from connectors.mapping.mapped import MapSettings

_FILTER: Final = re.compile(r"(?:#|(?:\+|[^+#/]*)(?:/(?:\+|[^+#/]*))*(?:/#)?)")
"""How a topic filter is written: `+` stands for one whole level, `#` for all that follow, at the end alone."""
_LONGEST: Final = 65_535


class GenericMqttSettings(MapSettings):
    """The broker, the topics, the map."""

    host: str = Field(
        title="Broker",
        pattern=r"^[A-Za-z0-9_.:-]+$",
        description="Host name or address of the broker, without mqtt:// and port.",
    )
    port: int = Field(8883, ge=1, le=65_535, title="Port", description="8883 with TLS, 1883 without it as a rule.")
    topics: tuple[str, ...] = Field(
        min_length=1, title="Topics", description="Topics or topic filters (`+`, `#`) whose messages are documents."
    )
    client_id: str = Field(
        min_length=1,
        max_length=200,
        title="Client id",
        description="The name of this connection at the broker, of its own alone: the broker keeps messages for it"
        " while nobody is connected, and of two with one name it throws the earlier out.",
    )
    user: str = Field("", title="User", description="As the broker knows this hub; empty where it asks for none.")
    password: SecretStr | None = Field(None, title="Password", description="Of that user.")
    tls: bool = Field(
        True, title="TLS", description="`false` sends the password and plates in clear: for a network of its own alone."
    )
    ca_certificate: str = Field(
        "",
        title="Certificate authority",
        description="PEM text of who signed the broker's certificate, where that is none that this machine knows.",
    )

    @field_validator("topics")
    @classmethod
    def _are_filters(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        for number, topic in enumerate(topics, 1):
            if not topic or len(topic.encode()) > _LONGEST or "\0" in topic or not _FILTER.fullmatch(topic):
                raise ValueError(
                    f"number {number} must be a topic: + stands for one whole level, # for the rest, at the end alone"
                )
        return topics

    @field_validator("ca_certificate")
    @classmethod
    def _is_a_certificate(cls, text: str) -> str:
        if text:
            try:
                ssl.create_default_context(cadata=text)
            except (ssl.SSLError, ValueError):
                raise ValueError("must be the text of a certificate (PEM): give it as @FILE") from None
        return text
