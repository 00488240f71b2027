"""The country of a kept read: as the read said it, or as its state tells; the one place that says how rows tell it."""


def country_sql(alias: str) -> str:
    """The country (ISO 3166-1 alpha-2) of a read, by the alias of `reads`; null where nothing tells it.

    Reads that were kept before countries were have none of their own, and a state of theirs tells it just as well.
    """
    return f"coalesce({alias}.plate_country, substr({alias}.plate_state, 1, 2))"
