"""What an admin gets from whoever runs the camera, and what the admin decides."""

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from connectors import contract


class HikvisionSettings(contract.PushSettings):
    """What an admin gets from whoever runs the camera, and what the admin decides."""

    base_url: str = Field(
        "",
        title="Camera address",
        description="Where its plates and its list are asked for; empty for cameras that only push.",
    )
    user: str = Field("", title="Camera user", description="A user of the camera who may use ISAPI.")
    password: SecretStr | None = Field(
        None, title="Camera password", description="That user's password; a wrong one is sent once and not again."
    )
    channel: int = Field(1, ge=1, le=1024, title="Channel", description="The channel whose plates are asked for.")
    camera_id: str | None = Field(
        None, title="Camera id", description="The camera's MAC address, for plates that are asked for: they name none."
    )
    method: Literal["POST", "GET"] = Field(
        "POST", title="Method", description="How the firmware wants to be asked for plates."
    )
    cursor: Literal["basic", "iso"] = Field(
        "basic", title="Form of times", description="How the firmware wants the time after which plates are asked for."
    )
    zone: ZoneInfo | None = Field(
        None, title="Time zone", description="Where the camera's clock stands, for times that come without an offset."
    )
    hot_list: str | None = Field(
        None,
        title="Hot list",
        description="The one hot list that becomes the block group of the device's list; others are refused.",
    )
