"""Genetec: what Sharps and third parties push, the files Sharps drop, and hot lists that Security Center watches."""

from connectors.vendors.genetec.connector import GenetecConnector
from connectors.vendors.genetec.rows import ATTRIBUTES
from connectors.vendors.genetec.settings import GenetecSettings

__all__ = ["ATTRIBUTES", "GenetecConnector", "GenetecSettings"]
