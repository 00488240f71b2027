"""Telling people: what stopped, opened or is not proved goes out once, and once more when it is over."""
