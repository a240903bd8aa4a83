"""What the tests over HTTP share: an AWS identity that opens nothing, and waits that a test need not sit through."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from examples.wealth.generate import generate
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace


@pytest.fixture(autouse=True)
def aws_identity(settled_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that sign requests and belong to nobody."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it would remember another test's credentials


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts pass at once; how often something is attempted is not changed."""
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.fixture(scope="session")
def wealth(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The demo lake at a small size, on this machine."""
    root: Path = tmp_path_factory.mktemp("wealth")
    generate(root, days=6, customers=40, products=12, progress=lambda _: None)
    return open_workspace(load_settings(lake=root, environ={}))
