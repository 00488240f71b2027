"""What a command that touches no vendor's storage need not wait for."""

import subprocess
import sys

import pytest

HEAVY = ("boto3", "botocore", "paramiko", "connectors.testing", "pytest", "hypothesis", "respx")


@pytest.mark.parametrize(
    "module",
    [
        "alprhub.cli",
        "hub.wiring",
        pytest.param("flows.sync", marks=pytest.mark.slow),
        "connectors.drop",
        "connectors.http",
    ],
)
def test_what_only_some_need_is_imported_where_it_is_used(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_every_vendor_is_opened_without_the_libraries_of_places() -> None:
    code = (
        "import sys; from connectors.registry import builtins, connector; [connector(key) for key in builtins()];"
        f" print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
