"""Anybody who pushes: JSON, XML, forms and multipart bodies, understood through a map that an admin makes."""

from binascii import Error as NotBase64
from binascii import a2b_base64, unhexlify
from datetime import timedelta
from hmac import compare_digest, digest
from typing import ClassVar, Final, Literal

from pydantic import Field, model_validator

from connectors import contract
from connectors.auth import pushed_by_ours
from connectors.contract import Reply, Request
from connectors.errors import AdminMustFix
from connectors.mapping.mapped import Mapped, MapSettings
from normalize.fault import Unusable
from normalize.times import from_epoch

MOST_SIGNATURES: Final = 8
"""Signatures in one header that are tried: senders that change their key send the old and the new one."""


class GenericWebhookSettings(MapSettings, contract.PushSettings):
    """The map, how the sender proves itself, and what it wants to hear."""

    proof: Literal["secret", "hmac"] = Field(
        "secret", title="Proof", description="`secret` in the push header, or `hmac`: signed with the push secret."
    )
    signature_header: str = Field(
        "x-signature", title="Signature header", description="Where the HMAC-SHA256 signature stands."
    )
    signature_encoding: Literal["hex", "base64"] = Field(
        "hex", title="Signature encoding", description="`base64` takes the form for addresses too."
    )
    signature_prefix: str = Field("", title="Signature prefix", description="What stands before it: `sha256=`, `v1=`.")
    signed: Literal["body", "timestamp.body", "body|timestamp"] = Field(
        "body", title="What is signed", description="The body alone, or with the timestamp before or behind it."
    )
    timestamp_header: str = Field(
        "x-timestamp", title="Timestamp header", description="Where the timestamp stands, if one is signed."
    )
    timestamp_unit: Literal["s", "ms"] = Field("s", title="Timestamp unit", description="Seconds or milliseconds.")
    tolerance_seconds: int = Field(
        300, ge=1, le=86_400, title="Tolerance", description="How old or early a signed timestamp may be, seconds."
    )
    reply_status: int = Field(200, ge=200, le=299, title="Answer status", description="What the sender wants to hear.")
    reply_content_type: str = Field(
        "application/json", pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$", title="Answer type", description="Of that answer."
    )
    reply_body: str = Field("{}", max_length=2000, title="Answer body", description="Text of that answer.")

    @model_validator(mode="after")
    def _can_be_proved(self) -> "GenericWebhookSettings":
        if self.proof == "hmac" and not self.signature_header.strip():
            raise ValueError("signature_header must name the header of the signature")
        if self.reply_status == 204 and self.reply_body not in ("", "{}"):
            raise ValueError("reply_body must be empty where the status is 204")
        return self


class GenericWebhookConnector(Mapped[GenericWebhookSettings]):
    """A webhook of anybody's."""

    info = contract.Info(
        key="generic_webhook",
        name="Any webhook, by a map",
        company="any",
        evidence=contract.Evidence.DOCUMENTS,
        retention_vendor="generic",
        known_limits=(
            "The admin's map is as true as the admin: nobody here knows what the sender means by a field.",
            "Without a mapped read id, camera, instant and plate are the id: two reads alike in all three are one.",
            "Where a map looks outside its records, the whole message is kept with each of its reads.",
            "No message is answered by what it says: a subscription that wants to be confirmed is confirmed by hand.",
        ),
    )
    Settings = GenericWebhookSettings
    inbound: ClassVar[contract.Inbound] = contract.Inbound(
        content_types=(
            "application/json", "application/xml", "text/xml", "application/x-www-form-urlencoded", "multipart/*",
            "text/plain",
        )
    )  # fmt: skip

    def check(self) -> str:
        """Nobody can be asked; raises `AdminMustFix` where no secret is set, since nothing would be believed then."""
        secret = self.settings.webhook_secret
        if secret is None or not secret.get_secret_value():
            raise AdminMustFix("webhook_secret: is not set, so nothing that is pushed would be believed")
        return "Ready to be pushed to; whether the map fits shows with the first push, or with a sample beforehand."

    def verify(self, request: Request) -> None:
        """Return where the push holds the secret or is signed with it; raises `AdminMustFix` where it is not."""
        if self.settings.proof == "secret":
            pushed_by_ours(request, self.settings)
        else:
            self._must_be_signed(request)

    def _must_be_signed(self, request: Request) -> None:
        told, body = self.settings, request.document.body
        secret = told.webhook_secret.get_secret_value() if told.webhook_secret else ""
        if not secret:
            raise AdminMustFix("no secret is set for what this vendor pushes, so nothing pushed is believed")
        stamp = request.headers.get(told.timestamp_header.lower(), "").encode()
        content = {"body": body, "timestamp.body": stamp + b"." + body, "body|timestamp": body + b"|" + stamp}
        right = digest(secret.encode(), content[told.signed], "sha256")
        given = request.headers.get(told.signature_header.lower(), "").replace(",", " ").split()
        if not any(compare_digest(self._signature(one), right) for one in given[:MOST_SIGNATURES]):
            raise AdminMustFix(f"the header {told.signature_header} does not hold a signature of what was pushed")
        if told.signed != "body":
            self._must_be_fresh(stamp.decode())

    def _signature(self, text: str) -> bytes:
        text = text.removeprefix(self.settings.signature_prefix)
        try:
            if self.settings.signature_encoding == "hex":
                return unhexlify(text)
            plain = text.translate(str.maketrans("-_", "+/"))
            return a2b_base64(plain + "=" * (-len(plain) % 4))
        except (NotBase64, ValueError):
            return b""

    def _must_be_fresh(self, stamp: str) -> None:
        told = self.settings
        try:
            at = from_epoch(int(stamp), told.timestamp_unit).at
        except (ValueError, Unusable):
            raise AdminMustFix(f"the header {told.timestamp_header} does not hold a timestamp") from None
        if abs(self.frame.clock.now() - at) > timedelta(seconds=told.tolerance_seconds):
            raise AdminMustFix("the signed timestamp is too old, or a clock is wrong")

    def reply(self, _request: Request) -> Reply:
        """The answer that the settings say."""
        told = self.settings
        return Reply(told.reply_status, told.reply_content_type, told.reply_body.encode())
