"""Which ways out are set."""

from connectors.contract import Frame
from hub.mailing import MailServer
from hub.notices.mail import Mail
from hub.notices.notice import Way
from hub.notices.syslog import Syslog
from hub.settings import HubSettings

SETTINGS = "ALPRHUB_NOTICE_EMAIL_TO, ALPRHUB_NOTICE_WEBHOOK_URL or ALPRHUB_NOTICE_SYSLOG"


def ways(settings: HubSettings, frame: Frame, agency: str) -> list[Way]:
    """The ways out that the settings name, each as it is set; mail that lacks a setting tells so when it is used.

    `agency` is whose hub tells: the name that is kept, which settings need not have.
    """
    ways: list[Way] = []
    if settings.notice_email_to:
        server = MailServer.of_settings(settings)
        ways.append(Mail(server, settings.notice_email_to, settings.notice_email_from, agency))
    if settings.notice_webhook_url is not None:
        from hub.notices.webhook import Webhook  # httpx, for which a hub without a webhook need not wait

        url, secret = settings.notice_webhook_url, settings.notice_webhook_secret
        ways.append(Webhook(url, secret, agency, frame))
    if settings.notice_syslog:
        ways.append(Syslog(settings.notice_syslog, agency))
    return ways
