"""One module a vendor, and the small frame that carries them."""
