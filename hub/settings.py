"""The hub's settings: environment variables that start with `ALPRHUB_`, each with a default.

They work alone, but that the default's policy needs its retention schedule signed (`decisions`).
"""

import os
from base64 import b64decode
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from hub.errors import AdminMustAct

PREFIX: Final = "ALPRHUB_"
OTHERS: Final = frozenset({"ALPRHUB_DB_PASSWORD", "ALPRHUB_TEST_PG_URL", "ALPRHUB_TEST_THOROUGH"})
"""Names with the prefix that something else of this project reads: the databases' script, and the tests."""
NEAR: Final = 0.65
"""A name of at least this likeness (of 1) to a setting's name is taken for a misspelt one."""

_PORT: Final = ", or with :PORT behind the host (1 to 65535; an IPv6 address in brackets)"


class HubSettings(BaseModel):
    """Where the hub keeps things and whose policy it follows; what a caller does not say, the environment says."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    data: Path = Field(
        default_factory=lambda: Path.home() / ".local" / "share" / "alprhub",
        description="Folder of the embedded database, the pictures and the key that seals secrets.",
    )
    database_url: SecretStr | None = Field(
        default=None, description="SQLAlchemy address of a PostgreSQL; without it, SQLite in the data folder."
    )
    images: str | None = Field(
        default=None, description="Folder or s3://bucket/prefix for pictures; without it, a folder of the data folder."
    )
    images_endpoint: str | None = Field(default=None, description="Address of an S3 that is not Amazon's.")
    agency: str = Field(
        default="Agency", description="The agency whose reads these are: kept by the first start, held to it later."
    )
    profile: str = Field(
        default="hermosa-beach", description="The policy profile of the first start: a built-in name or a file."
    )
    decisions: Path | None = Field(
        default=None, description="A file of what is signed about that profile, where it needs that to be in force."
    )
    zone: ZoneInfo | None = Field(
        default=None, description="The agency's time zone: must be that of its policy, which counts days by it."
    )
    models: Path | None = Field(default=None, description="Folder with the weights of the better reading engine.")
    secret_key: SecretStr | None = Field(
        default=None, description="Base64 of 32 bytes that seal secrets; without it, a key file in the data folder."
    )
    former_secret_key: SecretStr | None = Field(
        default=None, description="The `secret_key` before this one, until `alprhub connections reseal` has run."
    )
    disk_encrypted: bool = Field(
        default=False,
        description="The disk of the database is encrypted: its file need not be written anew after purges.",
    )
    allow_connectors: tuple[str, ...] = Field(
        default=(), description="Third parties' connectors that an admin allows to run, by key, with commas between."
    )

    auditors: tuple[str, ...] = Field(
        default=(), description="Who sees the reads of every hold besides its own people: user names between commas."
    )

    custodian_folder: Path | None = Field(
        default=None, description="A folder in which the custodian of records gets every certificate of destruction."
    )
    custodian_bucket: str | None = Field(
        default=None, description="The same as objects of a bucket: s3://bucket/prefix."
    )
    custodian_bucket_endpoint: str | None = Field(
        default=None, description="Address of that bucket's S3, where it is not Amazon's."
    )
    custodian_email: tuple[str, ...] = Field(
        default=(),
        description="The same by e-mail: addresses with commas between; the notices' mail server takes them.",
    )

    witness_folder: Path | None = Field(
        default=None,
        description="A folder of somebody outside, who gets the audit log's checkpoints and hashes: no event itself.",
    )
    witness_bucket: str | None = Field(
        default=None, description="The same as objects of a bucket, best with object lock: s3://bucket/prefix."
    )
    witness_bucket_endpoint: str | None = Field(
        default=None, description="Address of that bucket's S3, where it is not Amazon's."
    )
    witness_email: tuple[str, ...] = Field(
        default=(),
        description="The same by e-mail: addresses with commas between; the notices' mail server takes them.",
    )

    notice_email_to: tuple[str, ...] = Field(
        default=(), description="Who gets notices by e-mail: addresses with commas between."
    )
    notice_email_from: str | None = Field(
        default=None, description="The sender of notices; without it, the first of those who get them."
    )
    notice_smtp_host: str | None = Field(default=None, description="The mail server that takes notices.")
    notice_smtp_port: int | None = Field(
        default=None, ge=1, le=65535, description="Its port; without it, that of its security: 587, 465 or 25."
    )
    notice_smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How it is spoken to: starttls, tls (from the first byte) or none."
    )
    notice_smtp_user: str | None = Field(default=None, description="The login at the mail server, where it wants one.")
    notice_smtp_password: SecretStr | None = Field(default=None, description="The password of that login.")
    notice_webhook_url: SecretStr | None = Field(
        default=None, description="Address that gets notices as JSON by POST; it may hold a token, so it is not shown."
    )
    notice_webhook_secret: SecretStr | None = Field(
        default=None, description="Signs them: X-Alprhub-Signature is sha256= and the HMAC-SHA256 of the body in hex."
    )
    notice_syslog: str | None = Field(
        default=None, description="A syslog that gets notices: udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH."
    )

    @model_validator(mode="before")
    @classmethod
    def _with_environment(cls, given: dict[str, Any]) -> dict[str, Any]:
        # Not by pydantic-settings: to import it, and to ask it, takes longer than most commands have to wait otherwise.
        there = {name.upper(): value for name, value in os.environ.items() if value}
        said = {field: there.get(f"{PREFIX}{field.upper()}") for field in cls.model_fields}
        return {field: value for field, value in said.items() if value is not None} | given

    @field_validator(
        "allow_connectors", "auditors", "notice_email_to", "custodian_email", "witness_email", mode="before"
    )
    @classmethod
    def _with_commas(cls, given: object) -> object:
        return [item.strip() for item in given.split(",") if item.strip()] if isinstance(given, str) else given

    @field_validator("*", mode="before")
    @classmethod
    def _is_utf8(cls, given: object) -> object:
        if isinstance(given, str) and any("\ud800" <= char <= "\udfff" for char in given):
            raise ValueError("is not UTF-8: write it again in a terminal or an editor that is set to UTF-8")
        return given

    @field_validator("notice_syslog")
    @classmethod
    def _is_a_syslog(cls, given: str | None) -> str | None:
        if given is None or (given.startswith("unix:///") and len(given) > len("unix:///")):
            return given
        if not _leads_somewhere(given, ("udp", "tcp")):
            raise ValueError(
                "is no address of a syslog: write it as udp://HOST:PORT, tcp://HOST:PORT (port 1 to 65535, an IPv6"
                " address in brackets) or unix:///PATH"
            )
        return given

    @field_validator("notice_webhook_url")
    @classmethod
    def _is_a_webhook(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None and not _leads_somewhere(given.get_secret_value(), ("https", "http")):
            raise ValueError(f"is no address of a service: write it as https://HOST/PATH{_PORT}")
        return given

    @field_validator("custodian_bucket", "witness_bucket")
    @classmethod
    def _is_a_bucket(cls, given: str | None) -> str | None:
        if given is not None and not _leads_somewhere(given, ("s3",)):
            raise ValueError("is no bucket: write it as s3://BUCKET/PREFIX, with the prefix or without")
        return given

    @field_validator("images_endpoint", "custodian_bucket_endpoint", "witness_bucket_endpoint")
    @classmethod
    def _is_an_endpoint(cls, given: str | None) -> str | None:
        if given is not None and not _leads_somewhere(given, ("https", "http")):
            raise ValueError(f"is no address of an S3: write it as https://HOST{_PORT}")
        return given

    @field_validator("database_url")
    @classmethod
    def _is_a_database(cls, given: SecretStr | None) -> SecretStr | None:
        if given is None:
            return None
        try:
            backend = make_url(given.get_secret_value()).get_backend_name()
        except (ArgumentError, ValueError):
            backend = ""
        if backend not in ("postgresql", "sqlite"):
            raise ValueError("is no address of a database: write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE")
        return given

    @field_validator("secret_key", "former_secret_key")
    @classmethod
    def _is_a_key(cls, given: SecretStr | None) -> SecretStr | None:
        try:
            size = len(b64decode(given.get_secret_value(), validate=True)) if given else 32
        except ValueError:
            size = 0
        if size != 32:
            raise ValueError("must be the Base64 of 32 bytes; `openssl rand -base64 32` makes one")
        return given

    @property
    def custodian_ways(self) -> tuple[str, ...]:
        """By which ways the custodian of records gets certificates: `folder`, `s3`, `email`."""
        return _ways(self.custodian_folder, self.custodian_bucket, self.custodian_email)

    @property
    def witness_ways(self) -> tuple[str, ...]:
        """By which ways a witness gets what proves the audit log: `folder`, `s3`, `email`."""
        return _ways(self.witness_folder, self.witness_bucket, self.witness_email)

    def url(self) -> str:
        """The SQLAlchemy address in force."""
        if self.database_url is None:
            return f"sqlite:///{self.data / 'alprhub.sqlite3'}"
        url = self.database_url.get_secret_value()
        return url.replace("postgresql://", "postgresql+psycopg://", 1)


def from_environment() -> HubSettings:
    """The settings that the environment holds; raises `AdminMustAct` where the name of one is misspelt.

    Its value would be without effect, and the hub would open another database than the one that is meant.
    """
    slips = [f"there is no setting {name}; did you mean {meant}?" for name, meant in strangers() if meant]
    if slips:
        raise AdminMustAct(f"{' '.join(slips)} Correct the name, or unset it: nothing was opened")
    return HubSettings()


def strangers(names: Iterable[str] | None = None) -> list[tuple[str, str | None]]:
    """Names of variables that look like the hub's settings and are none, each with the setting that is nearest to it.

    Without `names`, those that the environment gives a value. None as the nearest: nothing is near.
    """
    given = (name for name, value in os.environ.items() if value) if names is None else names
    known = {f"{PREFIX}{field.upper()}" for field in HubSettings.model_fields}
    unknown = sorted(name for name in given if name.upper().startswith(PREFIX) and name.upper() not in known | OTHERS)
    return [(name, _near(name.upper().removeprefix(PREFIX).lower())) for name in unknown]


def _ways(folder: Path | None, bucket: str | None, email: tuple[str, ...]) -> tuple[str, ...]:
    given = {"folder": folder, "s3": bucket, "email": email}
    return tuple(way for way, where in given.items() if where)


def _leads_somewhere(address: str, schemes: tuple[str, ...]) -> bool:
    """Whether an address names a scheme of these, a host, and no port that there cannot be."""
    try:
        parts = urlsplit(address)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and not set(address) & set(" \t\n")
    except ValueError:  # a bracket that is not closed, a port that is no number or too large
        return False


def _near(setting: str) -> str | None:
    close = get_close_matches(setting, HubSettings.model_fields, 1, NEAR)
    return f"{PREFIX}{close[0].upper()}" if close else None
