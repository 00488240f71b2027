"""What the doctor expects of a schema is what the migrations make."""

import pytest

from hub.doctor import parts
from hub.settings import HubSettings
from hub.store.engine import Store


def test_the_parts_that_are_written_down_are_those_that_the_migrations_make(settings: HubSettings) -> None:
    store = Store(settings.url())
    with store.read() as connection:
        made = dict(sorted(parts.parts(connection).items()))
    store.close()
    written = parts.SQLITE if store.is_sqlite else parts.POSTGRESQL
    if made != written:
        pytest.fail(f"hub/doctor/parts.py: it must say {made}")
