"""One module a vendor; found by being here."""
