"""Where the files are dropped, and which column means what."""

from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from connectors.drop import CsvSettings
from normalize.confidence import Scale
from normalize.states import Codes


class MotorolaSettings(CsvSettings):
    """Where the files are dropped, and which column means what."""

    hotlists_folder: str = Field(
        "hotlists", title="Folder of hot lists", description="Below the place: where hot-list files are put."
    )
    time_format: str = Field(
        "iso", title="Time format", description="`iso`, or a pattern such as `%m/%d/%Y %I:%M:%S %p`."
    )
    local_times: ClassVar[str] = "zone"
    zone: ZoneInfo | None = Field(None, title="Time zone", description="Of times without an offset.")
    plate_column: str = Field("plate", title="Plate column", description="Must be in every export.")
    captured_at_column: str = Field("captured_at", title="Time column", description="Must be in every export.")
    camera_id_column: str = Field("camera_id", title="Camera column", description="Must be in every export.")
    read_id_column: str = Field("read_id", title="Read id column", description="If there is one.")
    state_column: str = Field("state", title="State column", description="If there is one.")
    state_codes: Codes | None = Field(
        None, title="Codes of states", description="`postal` or `ncic`, in exports and hot lists: NB is another state."
    )
    country_column: str = Field("country", title="Country column", description="If there is one.")
    confidence_column: str = Field("confidence", title="Confidence column", description="If there is one.")
    confidence_scale: Scale = Field(Scale.PERCENT, title="Confidence scale", description="Of that column.")
    camera_name_column: str = Field("camera_name", title="Camera name column", description="If there is one.")
    latitude_column: str = Field("latitude", title="Latitude column", description="Degrees, if there is one.")
    longitude_column: str = Field("longitude", title="Longitude column", description="Degrees, if there is one.")
    make_column: str = Field("make", title="Make column", description="If there is one.")
    model_column: str = Field("model", title="Model column", description="If there is one.")
    colour_column: str = Field("color", title="Colour column", description="If there is one.")
    image_column: str = Field("image", title="Picture column", description="Name of a file beside the export, if any.")
    list_mode: Literal["complete", "incremental"] = Field(
        "complete", title="Hot-list load", description="As the vendor's template is set: whole lists, or changes only."
    )
    unknown_state: str = Field(
        "", title="State if unknown", description="Written where an entry names no state; the vendor demands a column."
    )
