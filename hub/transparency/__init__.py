"""What an audit log proves, without a database: its events as leaves, the tree over them, signed checkpoints."""
