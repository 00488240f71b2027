"""Configured accounts: which vendor, which settings, sealed secrets, and whether it runs."""
