"""Where files are dropped, and where a camera's clock stands."""

from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from connectors import contract
from connectors.drop import PlaceSettings
from normalize.states import Codes


class GenetecSettings(PlaceSettings, contract.PushSettings):
    """Where files are dropped, and where a camera's clock stands."""

    local_times: ClassVar[str] = "zone"
    zone: ZoneInfo | None = Field(
        None, title="Time zone", description="Where Sharp cameras' clocks stand: their JSON carries no offset."
    )
    reads_folder: str = Field("reads", title="Folder of reads", description="Below the place: where the XML arrives.")
    hotlists_folder: str = Field(
        "hotlists", title="Folder of hot lists", description="Below the place: what Security Center watches."
    )
    file_pattern: str = Field("*_lpr.xml", title="File pattern", description="Which files are reads.")
    settle_seconds: int = Field(30, ge=0, title="Settle time", description="How long a file must lie still, seconds.")
    state_codes: Codes | None = Field(
        None, title="Codes of states", description="`postal` or `ncic`, in reads and hot lists: NB is another state."
    )
    delimiter: Literal[";", ":", ",", "Tab"] = Field(
        ";", title="Delimiter", description="Of hot-list files, as it is set in Security Center."
    )
