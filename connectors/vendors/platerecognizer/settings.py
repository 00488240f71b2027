"""What an admin sets at Stream, Snapshot or ParkPow."""

from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from connectors import contract
from connectors.cameras import UNNAMED


class PlateRecognizerSettings(contract.PushSettings):
    """What an admin sets at Stream, Snapshot or ParkPow; for webhooks alone the push secret is enough."""

    zone: ZoneInfo | None = Field(
        None, title="Time zone", description="Where the clocks stand whose times come without an offset."
    )
    unnamed_camera: str = Field(
        UNNAMED, min_length=1, max_length=200, title="Unnamed camera",
        description="The camera of what comes without one, as Snapshot's webhooks do unless they are told a camera id.",
    )  # fmt: skip
    parkpow_url: str = Field(
        "https://app.parkpow.com/api/v1", title="ParkPow address", description="The cloud's API or that of your server."
    )
    parkpow_token: SecretStr | None = Field(
        None, title="ParkPow token", description="From ParkPow, under your account; without it no visits are pulled."
    )
    image_hosts: tuple[str, ...] = Field(
        (), title="Picture hosts", description="Domains beside ParkPow's own that hold the pictures of visits."
    )
    requests_per_second: float = Field(
        1.0, gt=0, title="Requests a second", description="ParkPow publishes no limit; raise it if they agree."
    )


def is_set(secret: SecretStr | None) -> bool:
    """Whether there is a secret and it holds anything."""
    return secret is not None and bool(secret.get_secret_value())
