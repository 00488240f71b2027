"""Keeps, finds, matches, guards. The door is `hub.wiring.open_hub`."""
