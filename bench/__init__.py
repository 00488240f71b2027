"""Measurements, each as a ratio against a raw limit or a peer in the same run."""
