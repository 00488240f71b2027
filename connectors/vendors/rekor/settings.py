"""What an admin gets from Scout, and what the admin decides."""

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from connectors import contract


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
    fetch_images: bool = Field(True, title="Fetch pictures", description="Fetch the picture of each read from Scout.")
    requests_per_second: float = Field(
        5.0, gt=0, title="Requests a second", description="Scout publishes no limit; raise it if Rekor agrees."
    )
