"""Connectors that a test made by hand are closed when it is over; what the hub opens, the hub must close itself."""

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.http import Http


@pytest.fixture(autouse=True)
def closed_afterwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close every `Http` that the test made."""
    made: list[Http] = []
    make = Http.__init__

    def noted(http: Http, *args: Any, **kwargs: Any) -> None:
        make(http, *args, **kwargs)
        made.append(http)

    monkeypatch.setattr(Http, "__init__", noted)
    yield
    for http in made:
        http.close()
