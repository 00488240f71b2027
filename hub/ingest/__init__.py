"""From a vendor's bytes to kept reads: syncing, receiving, fetching pictures, replaying what was refused."""
