"""Dahua cameras and their kin (Intelbras, CP Plus, Amcrest): what they push, what their streams say, their history."""

from connectors.vendors.dahua.connector import DahuaConnector
from connectors.vendors.dahua.settings import DahuaSettings

__all__ = ["DahuaConnector", "DahuaSettings"]
