"""One module or package a vendor, and the small frame that carries them."""
