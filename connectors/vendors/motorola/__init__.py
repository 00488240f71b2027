"""Motorola Vigilant, each file of it one noun."""

from connectors.vendors.motorola.connector import MotorolaConnector, MotorolaSettings

__all__ = ["MotorolaConnector", "MotorolaSettings"]
