"""What an admin gets from the Rhombus console, and how a key travels."""

from typing import Literal

from pydantic import Field, SecretStr

from connectors import contract
from connectors.auth import Header


class RhombusSettings(contract.Settings):
    """What an admin gets from the Rhombus console."""

    api_key: SecretStr = Field(title="API key", description="From the console; it is bound to one region.")
    base_url: str = Field(
        "https://api2.rhombussystems.com/api", title="API address", description="Root of the API, or the EU's."
    )
    auth_scheme: Literal["api-token", "partner-api-token", "api-oauth-token"] = Field(
        "api-token", title="Kind of key", description="An organisation's, a partner's, or an OAuth access token."
    )
    organisation: str = Field("", title="Organisation", description="For partners: the customer's organisation.")
    requests_per_second: float = Field(
        2.0, gt=0, title="Requests a second", description="Rhombus throttles an organisation and publishes no number."
    )


class Keys(Header):
    """The kind of the key and the key, which are two headers, and a partner's customer, which is a third."""

    def __init__(self, settings: RhombusSettings) -> None:
        token = settings.auth_scheme == "api-oauth-token"
        super().__init__("x-auth-access-token" if token else "x-auth-apikey", settings.api_key)
        customer = {"x-auth-org": settings.organisation} if settings.organisation else {}
        self._beside = {"x-auth-scheme": settings.auth_scheme, **customer}

    def headers(self) -> dict[str, str]:
        return {**self._beside, **super().headers()}
