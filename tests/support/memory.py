"""A folder that is no disk: a test that writes there waits for nothing, and no power is cut here."""

import shutil
from pathlib import Path
from typing import Final

MEMORY: Final = Path("/dev/shm")
ROOM: Final = 4 << 30
"""Bytes that must be free: what all tests keep at one time is less."""


def folder() -> str | None:
    """The folder, where the machine has one with room."""
    return str(MEMORY) if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else None
