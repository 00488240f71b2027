"""Hot lists: keeping entries, sending them out, and proving that they and their removals arrived."""
