"""Plate Recognizer and ParkPow, each file of it one noun."""

from connectors.vendors.platerecognizer.connector import PlateRecognizerConnector, PlateRecognizerSettings

__all__ = ["PlateRecognizerConnector", "PlateRecognizerSettings"]
