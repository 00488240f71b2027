"""Flock Safety: one full plate a lookup, hot-list alerts by webhook, custom hot lists; no feed of all reads exists."""

from connectors.vendors.flock.connector import FlockConnector
from connectors.vendors.flock.entries import STATES
from connectors.vendors.flock.settings import FlockSettings

__all__ = ["STATES", "FlockConnector", "FlockSettings"]
