"""Rekor Scout (OpenALPR): searches by time window, what agents and Scout push, and alert lists by CSV import."""

from connectors.vendors.rekor.connector import RekorConnector
from connectors.vendors.rekor.settings import RekorSettings

__all__ = ["RekorConnector", "RekorSettings"]
