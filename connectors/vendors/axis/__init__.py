"""AXIS License Plate Verifier: what a camera pushes, its own log of events, its pictures and its block list."""

from connectors.vendors.axis.connector import MOST_EVENTS, AxisConnector
from connectors.vendors.axis.pictures import APP
from connectors.vendors.axis.settings import AxisSettings

__all__ = ["APP", "MOST_EVENTS", "AxisConnector", "AxisSettings"]
