"""A drafted contract is one for the tools of its standard: `datacontract lint` takes it, `datacontract test` passes it."""

from __future__ import annotations

import datetime
import os
import subprocess
from pathlib import Path

import pytest

from tests.lakes import daily_shop, orders_of, put
from tools.contract import draft_contract
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("lake")
    daily_shop(root, days=12)  # up to today: a contract promises fresh data
    ws = open_workspace(load_settings(lake=root, environ={}))
    for draft in draft_contract(ws, "sales", owner="finance").drafts:
        ws.lake.write_text(f"output/{draft.path}", draft.text)
    return ws


def datacontract(tools: Path, ws: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(tools / "datacontract"), *arguments]
    environment = {**os.environ, "DO_NOT_TRACK": "1", "COLUMNS": "200"}
    return subprocess.run(
        command, cwd=ws.settings.lake, capture_output=True, text=True, env=environment, timeout=300, check=False
    )


def test_it_passes_the_linter_of_the_standard(ws: Workspace, tools: Path) -> None:
    said = datacontract(tools, ws, "lint", "output/contracts/sales.yaml")

    assert said.returncode == 0, said.stdout + said.stderr


def test_good_data_passes_it_and_bad_data_does_not(ws: Workspace, tools: Path) -> None:
    good = datacontract(tools, ws, "test", "--server", "lake", "output/contracts/sales.yaml")
    rows = orders_of(11)
    rows["amount"][3] = -1.0
    put(ws.settings.lake, "sales", rows, datetime.date.today())
    bad = datacontract(tools, ws, "test", "--server", "lake", "output/contracts/sales.yaml")

    assert good.returncode == 0, good.stdout + good.stderr
    assert bad.returncode == 1, bad.stdout + bad.stderr
    assert '"amount" > 0 holds in every row' in bad.stdout
