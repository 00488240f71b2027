"""What an admin sets up in Command, and where the organisation's data lies."""

from typing import Final

from pydantic import Field, SecretStr

from connectors import contract

LARGEST_PAGE: Final = 200


class VerkadaSettings(contract.Settings):
    """What an admin sets up in Command, and where the organisation's data lies."""

    api_key: SecretStr = Field(title="API key", description="From Command, with rights to read cameras and edit LPOIs.")
    base_url: str = Field(
        "https://api.verkada.com", title="API address", description="The host of the organisation's region."
    )
    camera_ids: tuple[str, ...] = Field(
        (), title="Cameras", description="The cameras that read plates; without any, every camera is asked."
    )
    page_size: int = Field(
        LARGEST_PAGE, ge=1, le=LARGEST_PAGE, title="Page size", description="Reads asked for at a time."
    )
    image_hosts: tuple[str, ...] = Field(
        ("verkada.com", "verkadagov.com"), title="Picture hosts",
        description="Domains that signed picture addresses may lead to.",
    )  # fmt: skip
    requests_per_second: float = Field(
        5.0, gt=0, title="Requests a second", description="Verkada allows 300 a minute to the whole organisation."
    )
    webhook_secret: SecretStr | None = Field(
        None, title="Webhook secret", description="What the webhook was given; without it nothing pushed is believed."
    )
