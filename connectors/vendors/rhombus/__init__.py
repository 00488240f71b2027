"""Rhombus, each file of it one noun."""

from connectors.vendors.rhombus.connector import FEWEST, MARK, RhombusConnector, RhombusSettings

__all__ = ["FEWEST", "MARK", "RhombusConnector", "RhombusSettings"]
