"""NJ SNAP's interface, each file of it one noun."""

from connectors.vendors.nj_snap.connector import PAGE_SIZES, NjSnapConnector, NjSnapSettings

__all__ = ["NjSnapConnector", "NjSnapSettings", "PAGE_SIZES"]
