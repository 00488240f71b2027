"""Plate Recognizer (Snapshot and Stream: what they push, answer and write) and ParkPow (its visits are pulled)."""

from connectors.vendors.platerecognizer.connector import PlateRecognizerConnector
from connectors.vendors.platerecognizer.settings import PlateRecognizerSettings

__all__ = ["PlateRecognizerConnector", "PlateRecognizerSettings"]
