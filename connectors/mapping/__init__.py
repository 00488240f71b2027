"""A map from anybody's payload to the fields of a read: paths and a fixed set of transforms, no code."""

from connectors.mapping.mapping import IDENTITY, Candidates, Mapping
from connectors.mapping.source import UNITS, Picture, Share, Source, Time

__all__ = ["IDENTITY", "UNITS", "Candidates", "Mapping", "Picture", "Share", "Source", "Time"]
