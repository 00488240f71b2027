"""`Mail`: notices as e-mail through an SMTP server, with STARTTLS or TLS from the first byte, and a login."""

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from typing import Final, Literal

from pydantic import SecretStr

from hub.notices.notice import ENDED, TEST, Notice, NotSent
from hub.notices.reaching import reaching

TIMEOUT_S: Final = 10.0
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
Security = Literal["starttls", "tls", "none"]


class Mail:
    """One mail a notice, to every recipient."""

    name = "email"

    def __init__(
        self,
        to: Sequence[str],
        sender: str | None,
        host: str | None,
        port: int | None,
        security: Security,
        user: str | None,
        password: SecretStr | None,
        agency: str,
    ) -> None:
        self._to = tuple(to)
        self._sender = sender or (to[0] if to else "")
        self._host = host
        self._port = port or _PORTS[security]
        self._security = security
        self._user = user
        self._password = password
        self._agency = agency

    def send(self, notice: Notice) -> str:
        """Give a notice to the mail server; that it was read nobody knows."""
        if not self._host:
            raise NotSent("ALPRHUB_NOTICE_SMTP_HOST is not set, so there is no server to give mail to")
        if self._user and self._security == "none" and not _here(self._host):
            raise NotSent(
                "the login of ALPRHUB_NOTICE_SMTP_USER would cross the network unencrypted: set"
                " ALPRHUB_NOTICE_SMTP_SECURITY to starttls or tls"
            )
        where = f"the mail server {self._host}:{self._port}"
        with reaching(where):
            try:
                with self._connected(self._host) as server:
                    refused = server.send_message(self._written(notice), self._sender, self._to)
            except smtplib.SMTPException as failed:  # an OSError too, but it tells more than one
                if isinstance(failed.__context__, TimeoutError):  # smtplib calls it a server that hung up
                    raise failed.__context__ from None
                raise NotSent(f"{where} {_answer_of(failed)}", answered=_is_about_this(failed)) from None
            except UnicodeEncodeError:
                raise NotSent("the login or an address has letters beyond ASCII, which this protocol lacks") from None
        if refused:
            return f"{where} took it, but not for {len(refused)} of {len(self._to)} recipients"
        return f"{where} took it"

    def _connected(self, host: str) -> smtplib.SMTP:
        if self._security == "tls":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, self._port, timeout=TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(host, self._port, timeout=TIMEOUT_S)
        try:
            if self._security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self._user:
                server.login(self._user, self._password.get_secret_value() if self._password else "")
        except BaseException:
            server.close()
            raise
        return server

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


def _here(host: str) -> bool:
    """Whether it is this machine, which nobody listens in on."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_about_this(failed: smtplib.SMTPException) -> bool:
    return isinstance(failed, smtplib.SMTPRecipientsRefused | smtplib.SMTPSenderRefused | smtplib.SMTPDataError)


def _answer_of(failed: smtplib.SMTPException) -> str:
    """What the server has against it, by its code and not in its words."""
    code = getattr(failed, "smtp_code", None)
    shown = f" (it answered {code})" if isinstance(code, int) and code > 0 else ""
    match failed:
        case smtplib.SMTPAuthenticationError():
            return f"refused the login{shown}: look at ALPRHUB_NOTICE_SMTP_USER and ALPRHUB_NOTICE_SMTP_PASSWORD"
        case smtplib.SMTPRecipientsRefused():
            codes = ", ".join(sorted({str(answer[0]) for answer in failed.recipients.values()}))
            return f"took it for none of the recipients (it answered {codes}): look at ALPRHUB_NOTICE_EMAIL_TO"
        case smtplib.SMTPSenderRefused():
            return f"refused the sender{shown}: look at ALPRHUB_NOTICE_EMAIL_FROM"
        case smtplib.SMTPNotSupportedError():
            return "does not offer the encryption or login that is set: look at ALPRHUB_NOTICE_SMTP_SECURITY"
        case smtplib.SMTPServerDisconnected():
            return "ended the connection"
    return f"did not take it{shown}"
