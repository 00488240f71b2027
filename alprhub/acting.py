"""Who acts by the command line."""

from hub.people import Actor


def acting() -> Actor:
    """The user whom this process runs as; once there are accounts, whoever has signed in."""
    return Actor.of_process()
