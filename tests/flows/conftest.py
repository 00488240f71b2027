"""A hub whose vendor is a folder, for flows to borrow."""

from folderhub import clock, feed, opened

__all__ = ["clock", "feed", "opened"]
