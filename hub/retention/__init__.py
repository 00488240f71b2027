"""Gone when its time is up: visible or not, and the purge."""
