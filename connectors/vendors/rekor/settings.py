"""What an admin gets from Scout, and what the admin decides."""

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator

from connectors import contract
from normalize import countries


class RekorSettings(contract.PushSettings):
    """What an admin gets from Scout, and what the admin decides."""

    api_key: SecretStr = Field(title="API key", description="From Scout, under your user; it travels in the query.")
    base_url: str = Field(
        "https://cloud.openalpr.com", title="Scout address", description="The cloud, the police cloud or your server."
    )
    search: Literal["plate", "group"] = Field(
        "plate", title="Search", description="`plate` for today's Scout, `group` for old servers."
    )
    page_size: int = Field(1000, ge=10, le=10_000, title="Page size", description="Reads asked for at a time.")
    zone: ZoneInfo | None = Field(
        None, title="Time zone", description="Where Scout's clock stands, for times that come without an offset."
    )
    country: str | None = Field(
        None,
        title="Country",
        description="Of the cameras, such as `us`, for answers that name none: without it a bare `ma` is no state.",
    )
    fetch_images: bool = Field(True, title="Fetch pictures", description="Fetch the picture of each read from Scout.")
    requests_per_second: float = Field(
        5.0, gt=0, title="Requests a second", description="Scout publishes no limit; raise it if Rekor agrees."
    )

    @field_validator("country")
    @classmethod
    def _is_a_country(cls, country: str | None) -> str | None:
        if country and countries.country(country).code is None:
            raise ValueError("must be a country, such as us, MEX or Canada")
        return country or None
