"""AWS's services for the stores that live there, one server for all of these tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.knowledge.stores import KINDS, Maker, maker
from tests.wire.services import Services


@pytest.fixture(scope="session")
def running_services() -> Iterator[Services]:
    with Services() as services:
        yield services


@pytest.fixture
def aws(running_services: Services, settled_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """The services, empty, and an identity that opens nothing else."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", running_services.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it would remember another test's credentials
    running_services.calls.clear()
    yield running_services
    running_services.reset()


@pytest.fixture(params=KINDS)
def new_store(request: pytest.FixtureRequest, aws: Services, tmp_path: Path) -> Maker:
    """An empty store of each kind, opened as often as wanted."""
    return maker(request.param, tmp_path)
