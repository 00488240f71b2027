"""Verkada: reads asked for camera by camera, signed webhooks, and License Plates of Interest as hot lists."""

from connectors.vendors.verkada.connector import VerkadaConnector
from connectors.vendors.verkada.settings import VerkadaSettings

__all__ = ["VerkadaConnector", "VerkadaSettings"]
