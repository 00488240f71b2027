"""Whether somebody sits at a terminal and can be asked."""

import sys


def there() -> bool:
    """Whether a person is there to answer."""
    return sys.stdin.isatty()
