"""Where others get what they must keep: a folder, a bucket, a mailbox; each proves what arrived there.

A folder and a bucket are read back. Of a mail nobody but its server can say anything: it took it for everybody.
"""

import hashlib
import os
import re
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol
from urllib.parse import urlsplit

from connectors import durable
from connectors.errors import ConnectorError
from connectors.file_words import why
from hub.mailing import MailServer
from hub.outgoing import NotSent
from hub.settings import HubSettings
from hub.store.instant import from_micros

SHOWN: Final = 12
"""Characters of a digest by which a file is known again."""
_RIGHTS: Final = 0o640


class Letter(NamedTuple):
    """A document on its way: the name of its `file`, which is the same however often it is delivered; `made_at` in µs.

    `kind` is what it is, in a word; `subject` and `text` are what a mail says around it.
    """

    kind: str
    body: bytes
    sha256: str
    file: str
    made_at: int
    subject: str
    text: str


class Arrived(NamedTuple):
    """Where a letter lies, and what proves it."""

    place: str
    proof: str


class Recipient(Protocol):
    """One place of somebody else's; `setting` is what names it."""

    way: str
    """Its kind: `folder`, `s3` or `email`."""

    def deliver(self, letter: Letter) -> Arrived:
        """Bring a letter there and prove it; again is no harm. Raises `NotSent` where that is not proved."""

    def look(self) -> None:
        """Return where a letter could go there, as far as that is seen without one; raises `NotSent`."""


class RecipientFolder:
    """A folder of theirs: a share, or a disk that is carried to them."""

    way = "folder"

    def __init__(self, folder: Path, setting: str) -> None:
        self._folder, self._setting = folder, setting

    def deliver(self, letter: Letter) -> Arrived:
        """Write it to the disk, name and all, without ever writing over a file, and read it back."""
        file = self._folder / letter.file
        try:
            self._demand()
            try:
                durable.create(file, letter.body, _RIGHTS)
            except FileExistsError:
                durable.settle_folder(self._folder)  # of a delivery that was cut short
            lies = _digest(file.read_bytes())
        except OSError as failed:
            raise NotSent(f"{self._setting}: {str(self._folder)!r} {why(failed)}") from None
        _compare(lies, letter, f"the file {str(file)!r}")
        return Arrived(str(file), "on the disk, and read back with the same SHA-256")

    def look(self) -> None:
        """Whether the folder is there, and takes files from this user."""
        self._demand()
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise NotSent(
                f"{self._setting}: {str(self._folder)!r} takes no files from this user: give the user of the"
                " hub's services the right to write there"
            )

    def _demand(self) -> None:
        if not self._folder.is_dir():  # never made: a share that is not mounted would be filled beneath it
            raise NotSent(f"{self._setting}: {str(self._folder)!r} is not there: make it, or mount it")


class RecipientBucket:
    """A bucket of theirs, at Amazon's storage or at one that speaks its language."""

    way = "s3"

    def __init__(self, where: str, endpoint: str | None, setting: str) -> None:
        self._setting = setting
        parts = urlsplit(where)
        self._bucket, self._endpoint = parts.netloc, endpoint
        prefix = parts.path.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""

    def deliver(self, letter: Letter) -> Arrived:
        """Write the object and read it back."""
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        from connectors.bucket_words import refusal

        key = self._prefix + letter.file
        # One more try than none: the next purge tries again.
        config = Config(retries={"max_attempts": 2, "mode": "standard"}, connect_timeout=10, read_timeout=30)
        try:
            client: Any = boto3.session.Session().client("s3", endpoint_url=self._endpoint, config=config)
            client.put_object(Bucket=self._bucket, Key=key, Body=letter.body, ContentType="application/json")
            answer = client.get_object(Bucket=self._bucket, Key=key)
            lies = _digest(answer["Body"].read())
        except (BotoCoreError, ClientError, ValueError) as failed:
            refused: ConnectorError = refusal(failed, self._bucket, self._endpoint)
            raise NotSent(f"{self._setting}: {refused}") from None
        place = f"s3://{self._bucket}/{key}"
        _compare(lies, letter, place)
        version = f", version {answer['VersionId']}" if answer.get("VersionId") else ""
        return Arrived(place, f"read back with the same SHA-256{version}")

    def look(self) -> None:
        """Nothing: a right to write objects is seen by writing one alone, and none is written for a trial."""


class RecipientMailbox:
    """Their mailboxes."""

    way = "email"

    def __init__(self, server: MailServer, to: tuple[str, ...], sender: str, setting: str) -> None:
        self._setting = setting
        self._server = server
        self._to = to
        self._sender = sender

    def deliver(self, letter: Letter) -> Arrived:
        """Give it to the mail server, which must take it for everybody."""
        mail = self._written(letter)
        refused = self._server.take(mail, self._sender, self._to, self._setting)
        if refused:
            raise NotSent(
                f"{self._server.where} took it, but not for {refused} of {len(self._to)} recipients: look at"
                f" {self._setting}",
                answered=True,
            )
        return Arrived(", ".join(self._to), f"{self._server.where} took it as {mail['Message-ID']}")

    def look(self) -> None:
        """Whether a mail server is named."""
        try:
            self._server.named()
        except NotSent as failed:
            raise NotSent(f"{self._setting}: {failed}") from None

    def _written(self, letter: Letter) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._to)
        mail["Subject"] = one_line(letter.subject)
        mail["Date"] = format_datetime(from_micros(letter.made_at))
        # One id a letter, so that one which comes twice is known to be one.
        mail["Message-ID"] = f"<{letter.kind}-{letter.sha256[:32]}@alprhub>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(letter.text)
        mail.add_attachment(letter.body, maintype="application", subtype="json", filename=letter.file)
        return mail


def recipients(settings: HubSettings, whose: Literal["custodian", "witness"]) -> list[Recipient]:
    """The places that the settings name for the custodian of records, or for whoever witnesses the audit log."""
    folder, bucket, endpoint, email = (
        getattr(settings, f"{whose}_{way}") for way in ("folder", "bucket", "bucket_endpoint", "email")
    )
    setting, found = f"ALPRHUB_{whose.upper()}", list[Recipient]()
    if folder is not None:
        found.append(RecipientFolder(folder, f"{setting}_FOLDER"))
    if bucket is not None:
        found.append(RecipientBucket(bucket, endpoint, f"{setting}_BUCKET"))
    if email:
        sender = settings.notice_email_from or (*settings.notice_email_to, *email)[0]
        found.append(RecipientMailbox(MailServer.of_settings(settings), email, sender, f"{setting}_EMAIL"))
    return found


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _compare(lies: str, letter: Letter, where: str) -> None:
    if lies != letter.sha256:
        raise NotSent(
            f"{where} is not what was delivered: its SHA-256 begins {lies[:SHOWN]}, and {letter.sha256[:SHOWN]} was"
            " sent; move it away, so that it can be written anew",
            answered=True,
        )


def one_line(text: str) -> str:
    """A text on one line, as a header of a mail must be."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split())
