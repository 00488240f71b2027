"""Looks the whole hub over, also one that no other command opens, and changes nothing."""
