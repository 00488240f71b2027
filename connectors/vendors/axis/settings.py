"""What an admin gets from whoever runs the camera, and what the admin decides."""

from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from connectors import contract


class AxisSettings(contract.PushSettings):
    """What an admin gets from whoever runs the camera, and what the admin decides."""

    base_url: str = Field(
        "",
        title="Camera address",
        description="Where its log, pictures and block list are; empty for cameras that only push.",
    )
    user: str = Field("", title="Camera user", description="A user of the camera who may use the application.")
    password: SecretStr | None = Field(None, title="Camera password", description="That user's password.")
    camera_id: str | None = Field(
        None,
        title="Serial number",
        description="The camera's serial number, for events that do not name their camera: the log's and ONVIF's.",
    )
    local_times: ClassVar[str] = "zone"
    zone: ZoneInfo | None = Field(
        None, title="Time zone", description="Where the camera's clock stands; the log writes local times."
    )
    fetch_images: bool = Field(
        True, title="Fetch pictures", description="Fetch pictures that did not come with the read from the camera."
    )
    list_word: Literal["blocklist", "block"] = Field(
        "blocklist",
        title="Name of the block list",
        description="How the firmware calls its block list when a plate is added: documents tell both.",
    )
