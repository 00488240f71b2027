"""systemd's unit files and files of environment variables, as a test reads them."""

import re
import shlex
from collections import defaultdict
from pathlib import Path


class Unit:
    """A unit file: every value of every key, in its order."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._values: dict[str, list[str]] = defaultdict(list)
        for line in path.read_text("utf-8").replace("\\\n", " ").splitlines():
            if line and line[0] not in "#;[":
                key, _, value = line.partition("=")
                self._values[key.strip()].append(value.strip())

    def all(self, key: str) -> list[str]:
        """Every value of a key that is not empty."""
        return [value for value in self._values[key] if value]

    def one(self, key: str) -> str:
        """The value of a key that stands once."""
        (value,) = self.all(key)
        return value

    @property
    def command(self) -> list[str]:
        """What it starts."""
        return shlex.split(self.one("ExecStart"))

    @property
    def environment(self) -> dict[str, str]:
        """The variables that it sets itself."""
        words = [word for line in self.all("Environment") for word in shlex.split(line)]
        return dict(word.split("=", 1) for word in words)


def variables(path: Path) -> dict[str, str]:
    """The variables of an environment file."""
    lines = path.read_text("utf-8").splitlines()
    return {
        line.partition("=")[0]: "".join(shlex.split(line.partition("=")[2]))
        for line in lines
        if line and line[0] != "#"
    }


def offered(path: Path) -> set[str]:
    """The names of an environment file, of those too that stand behind a # to be used."""
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", path.read_text("utf-8"), re.MULTILINE))
