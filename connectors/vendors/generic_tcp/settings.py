"""Where to listen, who may send, and how documents stand in the stream."""

import codecs
from ipaddress import ip_address, ip_network
from typing import Literal

from pydantic import Field, field_validator, model_validator

from connectors.framing import Framing
from connectors.mapping.mapped import MapSettings


class GenericTcpSettings(MapSettings):
    """The port, the senders, the framing, the map."""

    address: str = Field(
        "0.0.0.0",  # noqa: S104 - a receiver; who may send is a setting
        title="Address",
        description="The address of this machine to listen on; 0.0.0.0 is every one, :: every one of IPv6.",
    )
    port: int = Field(ge=1, le=65_535, title="Port", description="Of this connection alone: it tells who sends.")
    senders: tuple[str, ...] = Field(
        min_length=1,
        title="Senders",
        description="Addresses or networks (10.20.0.0/24) that are believed; all others are shut out.",
    )
    framing: Framing = Field(
        "document",
        title="Framing",
        description="Where a document ends: `document` (its JSON or XML is closed), `newline`, `length` (four bytes"
        " before it), `stx_etx`, or `close` (the sender hangs up).",
    )
    acknowledgement: str = Field(
        "",
        max_length=200,
        title="Acknowledgement",
        description=r"What is sent back for each document that is on the disk; `\r`, `\n`, `\x06` are written so.",
    )
    certificate_file: str = Field("", title="Certificate", description="A file with the TLS certificate chain (PEM).")
    private_key_file: str = Field("", title="Key of it", description="A file with its private key (PEM).")
    encrypted: Literal["tls", "no"] = Field(
        "tls",
        title="Encrypted",
        description="`no` takes plates in clear, as most cameras can only send: for a network of their own alone.",
    )
    most_lines: int = Field(
        64, ge=1, le=500, title="Lines", description="Senders at a time; of more, the one goes that was silent longest."
    )
    idle_seconds: int = Field(
        3600, ge=10, le=604_800, title="Idle", description="Seconds without a byte after which a sender is hung up on."
    )

    @field_validator("address")
    @classmethod
    def _is_an_address_here(cls, text: str) -> str:
        try:
            ip_address(text)
        except ValueError:
            raise ValueError("must be an IP address of this machine, as 10.20.0.5 or 0.0.0.0") from None
        return text

    @field_validator("senders")
    @classmethod
    def _are_networks(cls, senders: tuple[str, ...]) -> tuple[str, ...]:
        for number, sender in enumerate(senders, 1):
            try:
                ip_network(sender)
            except ValueError:
                raise ValueError(
                    f"number {number} must be an address or a network: as 10.20.0.17 or 10.20.0.0/24"
                ) from None
        return senders

    @field_validator("acknowledgement")
    @classmethod
    def _can_be_sent(cls, text: str) -> str:
        try:
            as_sent(text)
        except (UnicodeError, ValueError):
            raise ValueError(r"must be plain text, in which \r, \n and \x06 stand for bytes") from None
        return text

    @model_validator(mode="after")
    def _is_encrypted_or_said_not_to_be(self) -> "GenericTcpSettings":
        files = bool(self.certificate_file), bool(self.private_key_file)
        if self.encrypted == "tls" and not all(files):
            raise ValueError(
                "certificate_file and private_key_file must name the files for TLS; where the senders cannot speak it,"
                " say encrypted=no"
            )
        if self.encrypted == "no" and any(files):
            raise ValueError("encrypted must be tls where a certificate_file or a private_key_file is named")
        return self


def as_sent(text: str) -> bytes:
    """An acknowledgement as bytes."""
    return codecs.decode(text.encode("latin-1"), "unicode_escape").encode("latin-1")
