"""Where the custodian of records gets certificates: a folder, a bucket, a mailbox; each proves what arrived there.

A folder and a bucket are read back. Of a mail nobody but its server can say anything: it took it for everybody.
"""

import hashlib
import os
import re
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

from connectors import durable
from connectors.errors import ConnectorError
from connectors.file_words import why
from hub.mailing import MailServer
from hub.outgoing import NotSent
from hub.settings import HubSettings
from hub.store.instant import from_micros

_SHOWN: Final = 12
"""Characters of a digest by which a file is known again."""
_RIGHTS: Final = 0o640


class Letter(NamedTuple):
    """A document of certificates on its way: `made_at` in µs, `agency` whose they are, `custodian` whom it is for."""

    body: bytes
    sha256: str
    first_id: int
    last_id: int
    certificates: int
    made_at: int
    agency: str
    custodian: str

    @property
    def file(self) -> str:
        """The name of its file: the same document has the same one, however often it is delivered."""
        return f"certificates-{self.first_id:06}-{self.last_id:06}-{self.sha256[:_SHOWN]}.json"


class Arrived(NamedTuple):
    """Where a letter lies, and what proves it."""

    place: str
    proof: str


class CustodianPlace(Protocol):
    """One place of the custodian's."""

    way: str
    """Its kind: `folder`, `s3` or `email`."""

    def deliver(self, letter: Letter) -> Arrived:
        """Bring a letter there and prove it; again is no harm. Raises `NotSent` where that is not proved."""

    def look(self) -> None:
        """Return where a letter could go there, as far as that is seen without one; raises `NotSent`."""


class CustodianFolder:
    """A folder of the custodian's: a share, or a disk that is carried to them."""

    way = "folder"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

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
            raise NotSent(f"ALPRHUB_CUSTODIAN_FOLDER: {str(self._folder)!r} {why(failed)}") from None
        _compare(lies, letter, f"the file {str(file)!r}")
        return Arrived(str(file), "on the disk, and read back with the same SHA-256")

    def look(self) -> None:
        """Whether the folder is there, and takes files from this user."""
        self._demand()
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise NotSent(
                f"ALPRHUB_CUSTODIAN_FOLDER: {str(self._folder)!r} takes no files from this user: give the user of the"
                " hub's services the right to write there"
            )

    def _demand(self) -> None:
        if not self._folder.is_dir():  # never made: a share that is not mounted would be filled beneath it
            raise NotSent(f"ALPRHUB_CUSTODIAN_FOLDER: {str(self._folder)!r} is not there: make it, or mount it")


class CustodianBucket:
    """A bucket of the custodian's, at Amazon's storage or at one that speaks its language."""

    way = "s3"

    def __init__(self, where: str, endpoint: str | None) -> None:
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
            raise NotSent(f"ALPRHUB_CUSTODIAN_BUCKET: {refused}") from None
        place = f"s3://{self._bucket}/{key}"
        _compare(lies, letter, place)
        version = f", version {answer['VersionId']}" if answer.get("VersionId") else ""
        return Arrived(place, f"read back with the same SHA-256{version}")

    def look(self) -> None:
        """Nothing: a right to write objects is seen by writing one alone, and none is written for a trial."""


class CustodianMailbox:
    """The custodian's mailboxes."""

    way = "email"

    def __init__(self, server: MailServer, to: tuple[str, ...], sender: str) -> None:
        self._server = server
        self._to = to
        self._sender = sender

    def deliver(self, letter: Letter) -> Arrived:
        """Give it to the mail server, which must take it for everybody."""
        mail = self._written(letter)
        refused = self._server.take(mail, self._sender, self._to, "ALPRHUB_CUSTODIAN_EMAIL")
        if refused:
            raise NotSent(
                f"{self._server.where} took it, but not for {refused} of {len(self._to)} recipients: look at"
                " ALPRHUB_CUSTODIAN_EMAIL",
                answered=True,
            )
        return Arrived(", ".join(self._to), f"{self._server.where} took it as {mail['Message-ID']}")

    def look(self) -> None:
        """Whether a mail server is named."""
        try:
            self._server.named()
        except NotSent as failed:
            raise NotSent(f"ALPRHUB_CUSTODIAN_EMAIL: {failed}") from None

    def _written(self, letter: Letter) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._to)
        mail["Subject"] = _line(f"{letter.agency}: certificates of destruction {letter.first_id} to {letter.last_id}")
        mail["Date"] = format_datetime(from_micros(letter.made_at))
        # One id a letter, so that one which comes twice is known to be one.
        mail["Message-ID"] = f"<certificates-{letter.sha256[:32]}@alprhub>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(
            f"For the {_line(letter.custodian)}.\n\n"
            f"The attached file has {letter.certificates} certificates of destruction, number {letter.first_id} to"
            f" {letter.last_id}.\nIt says itself how to verify it, with nothing but SHA-256 and JSON.\n\n"
            f"SHA-256 of the file: {letter.sha256}\n\n"
            "Confirm each of them on the hub, under your own login:\n\n"
            "    alprhub retention certificates --countersign NUMBER\n"
        )
        mail.add_attachment(letter.body, maintype="application", subtype="json", filename=letter.file)
        return mail


def places(settings: HubSettings) -> list[CustodianPlace]:
    """The places of the custodian's that the settings name, each as it is set."""
    found: list[CustodianPlace] = []
    if settings.custodian_folder is not None:
        found.append(CustodianFolder(settings.custodian_folder))
    if settings.custodian_bucket is not None:
        found.append(CustodianBucket(settings.custodian_bucket, settings.custodian_bucket_endpoint))
    if settings.custodian_email:
        sender = settings.notice_email_from or (*settings.notice_email_to, *settings.custodian_email)[0]
        found.append(CustodianMailbox(MailServer.of_settings(settings), settings.custodian_email, sender))
    return found


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _compare(lies: str, letter: Letter, where: str) -> None:
    if lies != letter.sha256:
        raise NotSent(
            f"{where} is not what was delivered: its SHA-256 begins {lies[:_SHOWN]}, and {letter.sha256[:_SHOWN]} was"
            " sent; move it away, so that it can be written anew",
            answered=True,
        )


def _line(text: str) -> str:
    """A text on one line, as a header of a mail must be."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split())
