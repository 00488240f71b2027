"""Genetec AutoVu, each file of it one noun."""

from connectors.vendors.genetec.connector import ATTRIBUTES, GenetecConnector, GenetecSettings

__all__ = ["ATTRIBUTES", "GenetecConnector", "GenetecSettings"]
