"""The demo lake at a small size: the same tables, jobs, dashboards and KPIs, a few rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.wealth.generate import generate
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace


@pytest.fixture(scope="session")
def wealth(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root: Path = tmp_path_factory.mktemp("wealth")
    generate(root, days=6, customers=40, products=12, progress=lambda _: None)
    return open_workspace(load_settings(lake=root, environ={}))
