"""What an admin gets from the supplier, and what the agency tells of itself on its hot lists."""

from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator

from connectors import contract
from normalize.confidence import Scale

PAGE_SIZES: Final = (20, 50, 100, 200, 500, 1000)


class NjSnapSettings(contract.PushSettings):
    """What an admin gets from the supplier, and what the agency tells of itself on its hot lists."""

    base_url: str = Field(title="Address", description="Root of the supplier's interface, before `/api/alpr`.")
    api_key: SecretStr = Field(title="API key", description="From the supplier; it travels as a bearer token.")
    local_times: ClassVar[str] = "zone"
    zone: ZoneInfo = Field(
        ZoneInfo("America/New_York"),
        title="Time zone",
        description="Of every time that carries none: those that are asked for, of hits, and of hot lists.",
    )
    page_size: int = Field(
        1000, title="Page size", description="Reads asked for at a time: 20, 50, 100, 200, 500, 1000."
    )
    image_hosts: tuple[str, ...] = Field(
        ("wasabisys.com", "amazonaws.com"),
        title="Picture hosts",
        description="Domains that signed picture addresses may lead to.",
    )
    confidence_scale: Scale | None = Field(
        None, title="Confidence scale", description="Of hits; no document tells it, and unset no confidence is kept."
    )
    dept_ori: str = Field("", title="ORI", description="The agency's; every entry of a hot list must carry it.")
    dept_name: str = Field("", title="Agency", description="The agency's name on its entries.")
    contact_name: str = Field("", title="Contact", description="Whom to call about an entry.")
    contact_number: str = Field("", title="Contact's number", description="Of that person.")
    contact_email: str = Field("", title="Contact's mail", description="Of that person.")
    visible: bool = Field(True, title="Visible", description="Whether users of NJ SNAP may see the entries.")
    days_listed: int = Field(
        2,
        ge=1,
        le=30,
        title="Days on the list",
        description="After today, how long an entry lives that is not sent again: so long lives a withdrawn one, too.",
    )

    @field_validator("page_size")
    @classmethod
    def _is_offered(cls, size: int) -> int:
        if size not in PAGE_SIZES:
            raise ValueError(f"must be one of {', '.join(map(str, PAGE_SIZES))}")
        return size
