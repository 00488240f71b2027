"""Motorola Vigilant: no public interface exists, so reads come as CSV exports and hot lists leave as CSV files."""

from connectors.vendors.motorola.connector import MotorolaConnector
from connectors.vendors.motorola.settings import MotorolaSettings

__all__ = ["MotorolaConnector", "MotorolaSettings"]
