"""One schema for every vendor's reads, and the vocabularies that fill it. Pure: no I/O, no clock."""
