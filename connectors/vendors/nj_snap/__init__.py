"""NJ SNAP POI interface (GTBM) as Eyemetric ALPR speaks it: searches, hot lists of POIs, hits that are pushed."""

from connectors.vendors.nj_snap.connector import NjSnapConnector
from connectors.vendors.nj_snap.settings import PAGE_SIZES, NjSnapSettings

__all__ = ["PAGE_SIZES", "NjSnapConnector", "NjSnapSettings"]
