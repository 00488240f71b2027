"""One module or package a vendor; found by being here."""
