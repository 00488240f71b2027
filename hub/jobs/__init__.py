"""What the hub does by itself: which job is due, running it, and a record of how it went."""
