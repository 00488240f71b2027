"""`MailServer`: gives mail to an SMTP server, with STARTTLS or TLS from the first byte, and a login."""

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from ipaddress import ip_address
from typing import Final, Literal

from pydantic import SecretStr

from hub.outgoing import NotSent, reaching
from hub.settings import HubSettings

TIMEOUT_S: Final = 10.0
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
Security = Literal["starttls", "tls", "none"]


class MailServer:
    """The mail server that the settings name."""

    def __init__(
        self, host: str | None, port: int | None, security: Security, user: str | None, password: SecretStr | None
    ) -> None:
        self._host = host
        self._port = port or _PORTS[security]
        self._security = security
        self._user = user
        self._password = password

    @classmethod
    def of_settings(cls, settings: HubSettings) -> "MailServer":
        """The one of the settings; what it lacks is told when it is used."""
        return cls(
            settings.notice_smtp_host, settings.notice_smtp_port, settings.notice_smtp_security,
            settings.notice_smtp_user, settings.notice_smtp_password,
        )  # fmt: skip

    @property
    def where(self) -> str:
        """How people call it."""
        return f"the mail server {self._host}:{self._port}"

    def take(self, mail: EmailMessage, sender: str, to: Sequence[str], setting: str) -> int:
        """Give it a mail; gives for how many of the recipients it was not taken. That it was read nobody knows.

        Raises `NotSent` where it was taken for none of them; `setting` is the name of the one that has them.
        """
        host = self.named()
        with reaching(self.where):
            try:
                with self._connected(host) as server:
                    return len(server.send_message(mail, sender, list(to)))
            except smtplib.SMTPException as failed:  # an OSError too, but it tells more than one
                if isinstance(failed.__context__, TimeoutError):  # smtplib calls it a server that hung up
                    raise failed.__context__ from None
                about_this = isinstance(failed, _ABOUT_THIS)
                raise NotSent(f"{self.where} {_answer_of(failed, setting)}", answered=about_this) from None
            except UnicodeEncodeError:
                raise NotSent("the login or an address has letters beyond ASCII, which this protocol lacks") from None

    def named(self) -> str:
        """The host to which mail may be given; raises `NotSent` where the settings name none, or none that is safe."""
        if not self._host:
            raise NotSent("ALPRHUB_NOTICE_SMTP_HOST is not set, so there is no server to give mail to")
        if self._user and self._security == "none" and not _here(self._host):
            raise NotSent(
                "the login of ALPRHUB_NOTICE_SMTP_USER would cross the network unencrypted: set"
                " ALPRHUB_NOTICE_SMTP_SECURITY to starttls or tls"
            )
        return self._host

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


_ABOUT_THIS: Final = (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError)


def _here(host: str) -> bool:
    """Whether it is this machine, which nobody listens in on."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _answer_of(failed: smtplib.SMTPException, setting: str) -> str:
    """What the server has against it, by its code and not in its words."""
    code = getattr(failed, "smtp_code", None)
    shown = f" (it answered {code})" if isinstance(code, int) and code > 0 else ""
    match failed:
        case smtplib.SMTPAuthenticationError():
            return f"refused the login{shown}: look at ALPRHUB_NOTICE_SMTP_USER and ALPRHUB_NOTICE_SMTP_PASSWORD"
        case smtplib.SMTPRecipientsRefused():
            codes = ", ".join(sorted({str(answer[0]) for answer in failed.recipients.values()}))
            return f"took it for none of the recipients (it answered {codes}): look at {setting}"
        case smtplib.SMTPSenderRefused():
            return f"refused the sender{shown}: look at ALPRHUB_NOTICE_EMAIL_FROM"
        case smtplib.SMTPNotSupportedError():
            return "does not offer the encryption or login that is set: look at ALPRHUB_NOTICE_SMTP_SECURITY"
        case smtplib.SMTPServerDisconnected():
            return "ended the connection"
    return f"did not take it{shown}"
