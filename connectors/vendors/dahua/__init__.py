"""Dahua, each file of it one noun."""

from connectors.vendors.dahua.connector import DahuaConnector, DahuaSettings

__all__ = ["DahuaConnector", "DahuaSettings"]
