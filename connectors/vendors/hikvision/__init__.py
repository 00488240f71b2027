"""Hikvision ISAPI, each file of it one noun."""

from connectors.vendors.hikvision.connector import HikvisionConnector, HikvisionSettings

__all__ = ["HikvisionConnector", "HikvisionSettings"]
