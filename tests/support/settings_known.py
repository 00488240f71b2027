"""Which environment variables mean something: the hub's settings, Prefect's, and a few of the system and of images."""

from collections.abc import Iterable
from typing import Final

from hub.settings import HubSettings

SYSTEM: Final = {"DO_NOT_TRACK", "HOME", "PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
AWS: Final = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"}


def unknown(names: Iterable[str], others: Iterable[str] = ()) -> list[str]:
    """The names that nothing reads."""
    ours = {f"ALPRHUB_{name.upper()}" for name in HubSettings.model_fields}
    return sorted(set(names) - ours - _prefects() - SYSTEM - AWS - set(others))


def _prefects() -> set[str]:
    from prefect.settings.legacy import _get_settings_fields  # the only list that Prefect keeps of its names
    from prefect.settings.models.root import Settings

    return set(_get_settings_fields(Settings))
