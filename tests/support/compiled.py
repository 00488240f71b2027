"""What SQLAlchemy compiled for one database of a test, it need not compile again for the next one."""

from typing import Any

from sqlalchemy import Connection, Engine, event


class Compiled(dict[Any, Any]):
    """Compiled statements of every engine, by the kind of its dialect instead of by the dialect itself.

    A hub has one engine for as long as its process lives; tests open thousands, and all of a kind are set up alike.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        """The statement that any engine of this kind compiled."""
        return super().get(self._of(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(self._of(key), compiled)

    @staticmethod
    def _of(key: Any) -> Any:
        return (type(key[0]), *key[1:])


def share() -> None:
    """Let every engine that is made in this process from now on use one cache."""
    compiled = Compiled()

    @event.listens_for(Engine, "engine_connect")
    def connected(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compiled)
