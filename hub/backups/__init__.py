"""A hub as one consistent copy, and back again with what was over in the meantime gone."""
