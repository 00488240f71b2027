"""AXIS License Plate Verifier: `connector` speaks to the camera, `words` and `times` read what it tells."""

from connectors.vendors.axis.connector import APP, MOST_EVENTS, AxisConnector
from connectors.vendors.axis.settings import AxisSettings

__all__ = ["APP", "MOST_EVENTS", "AxisConnector", "AxisSettings"]
