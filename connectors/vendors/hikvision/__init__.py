"""Hikvision ISAPI: what ANPR cameras push, the plates they tell when asked, and their list of plates."""

from connectors.vendors.hikvision.connector import HikvisionConnector
from connectors.vendors.hikvision.settings import HikvisionSettings

__all__ = ["HikvisionConnector", "HikvisionSettings"]
