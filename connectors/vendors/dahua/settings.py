"""Where the camera is, how to log in, and where its clock stands."""

from typing import ClassVar
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from connectors import contract


class DahuaSettings(contract.PushSettings):
    """Where the camera is, how to log in, and where its clock stands."""

    base_url: str | None = Field(
        None, title="Camera address", description="`http://…` of the camera; empty where it only pushes."
    )
    username: str = Field("admin", title="User", description="A user of the camera who may search its files.")
    password: SecretStr | None = Field(None, title="Password", description="Of that user; it never travels.")
    channel: int = Field(1, ge=0, le=1024, title="Channel", description="Whose history is asked for, from 1.")
    camera_id: str | None = Field(
        None, title="Camera id", description="What the camera is called where its data does not say."
    )
    local_times: ClassVar[str] = "zone"
    zone: ZoneInfo | None = Field(
        None, title="Time zone", description="Where the camera's clock stands: it writes local time without an offset."
    )
