"""Anybody who publishes to an MQTT broker, understood through a map that an admin makes."""

from connectors.vendors.generic_mqtt.connector import GenericMqttConnector

__all__ = ["GenericMqttConnector"]
