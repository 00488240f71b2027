"""Flock Safety, each file of it one noun."""

from connectors.vendors.flock.connector import STATES, FlockConnector, FlockSettings

__all__ = ["STATES", "FlockConnector", "FlockSettings"]
