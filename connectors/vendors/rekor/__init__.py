"""Rekor Scout, each file of it one noun."""

from connectors.vendors.rekor.connector import RekorConnector, RekorSettings

__all__ = ["RekorConnector", "RekorSettings"]
