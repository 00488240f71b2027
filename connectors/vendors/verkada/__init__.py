"""Verkada, each file of it one noun."""

from connectors.vendors.verkada.connector import VerkadaConnector, VerkadaSettings

__all__ = ["VerkadaConnector", "VerkadaSettings"]
