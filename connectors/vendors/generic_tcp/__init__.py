"""Anybody who opens a socket and writes documents, understood through a map that an admin makes."""

from connectors.vendors.generic_tcp.connector import GenericTcpConnector

__all__ = ["GenericTcpConnector"]
