"""`Mail`: notices as e-mail through the mail server of the settings."""

from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime

from hub.mailing import MailServer
from hub.notices.notice import ENDED, TEST, Notice


class Mail:
    """One mail a notice, to every recipient."""

    name = "email"

    def __init__(self, server: MailServer, to: Sequence[str], sender: str | None, agency: str) -> None:
        self._server = server
        self._to = tuple(to)
        self._sender = sender or (to[0] if to else "")
        self._agency = agency

    def send(self, notice: Notice) -> str:
        """Give a notice to the mail server; that it was read nobody knows."""
        refused = self._server.take(self._written(notice), self._sender, self._to, "ALPRHUB_NOTICE_EMAIL_TO")
        if refused:
            return f"{self._server.where} took it, but not for {refused} of {len(self._to)} recipients"
        return f"{self._server.where} took it"

    def _written(self, notice: Notice) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._to)
        mail["Subject"] = f"[alprhub] {self._agency}: {notice.title}"
        mail["Date"] = format_datetime(notice.at)
        # One id a notice, so that one which is sent twice is known to be one.
        mail["Message-ID"] = f"<notice-{notice.id}-{int(notice.at.timestamp())}@alprhub>"
        mail["Auto-Submitted"] = "auto-generated"
        if notice.kind not in (ENDED, TEST):
            mail["Importance"] = "high"
        mail.set_content(notice.body + "\n")
        return mail
