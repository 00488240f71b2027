"""What a connector must keep, as tests for whoever writes one: the contract suite, a player and a recorder.

Needs the extra `testing` (`pip install "alprhub[testing]"`); nothing else of `connectors` imports this package.
"""

import pytest

pytest.register_assert_rewrite("connectors.testing.suite")

from connectors.testing.frame import frame_at  # noqa: E402 - after the rewrite, or a failure would not say what it saw
from connectors.testing.suite import Contract, contract  # noqa: E402

__all__ = ["Contract", "contract", "frame_at"]
