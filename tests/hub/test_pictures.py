"""Pictures that come as an address only: fetched while the address holds, gone when it does not, never in the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import msgspec
import pytest
from moto import mock_aws
from pydantic import SecretStr
from sqlalchemy import text

import hub.wiring
from alprhub.sandbox import Faults, Service, World, flock_settings, rekor_settings
from alprhub.sandbox.flock import alert_body, flock_app
from alprhub.sandbox.rekor import rekor_app
from connectors.contract import Document, Request
from hub.audit.record import Actor, Why
from hub.clock import SetClock
from hub.errors import NotFound
from hub.settings import HubSettings
from hub.store.images import S3Images, open_images
from hub.wiring import Hub, open_hub

JPEG = b"\xff\xd8\xff"
KEY = "key-of-the-subscription"
WHY = Why("stolen_vehicle", "case of a stolen car", "26-1")
SOURCES = [{"name": "wanted", "reason": "Stolen vehicle", "caseNumber": "26-1"}]


@pytest.fixture
def clock(clock: SetClock) -> SetClock:
    """One time for both sides of the wire."""
    return clock


@pytest.fixture(scope="module")
def world() -> World:
    from conftest_now import NOW

    return World(5, NOW, passes=110)
