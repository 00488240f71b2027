"""Every page of an answer, by the token of the next one."""

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.http import Http
from connectors.paging import by_cursor

Cursor = str | int | None


def paged(http: Http, path: str, shape: type[Any], params: Mapping[str, Any]) -> Iterator[Any]:
    """Every page of an answer; a token is a number here and text there (documented)."""

    def page(cursor: str | None = None) -> Any:
        token = {} if cursor is None else {"page_token": cursor}
        return http.get(path, params={**params, **token}).shaped(shape)

    return by_cursor(page(), lambda answer: str(answer.next_page_token) if answer.next_page_token else None, page)
