"""Finding reads, for people who say why."""
