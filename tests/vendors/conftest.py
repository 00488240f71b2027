"""Fixtures for tests that talk to a connector without the hub."""

from closing import closed_afterwards

__all__ = ["closed_afterwards"]
