"""Rhombus Systems: vehicle events by time window, saved vehicles and labels as hot lists. Every call is a POST."""

from connectors.vendors.rhombus.caps import FEWEST
from connectors.vendors.rhombus.connector import RhombusConnector
from connectors.vendors.rhombus.settings import RhombusSettings
from connectors.vendors.rhombus.vehicles import MARK

__all__ = ["FEWEST", "MARK", "RhombusConnector", "RhombusSettings"]
