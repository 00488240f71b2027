"""What policy decides, as data: profiles, and the arithmetic of their clocks."""
