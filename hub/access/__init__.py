"""Who may see what: the door that every question about reads goes through."""
