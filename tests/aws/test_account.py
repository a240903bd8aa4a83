"""A real account, by the settings of whoever runs this: `make test-aws`. Some twenty calls, no write, cents at most.

It is skipped unless asked for. Settings are the person's own, from the environment or the copilot.toml they stand in.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.bedrock import open_bedrock
from tools.lake.aws import AwsLake
from tools.lake.base import Limits
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace
from ui.cli import run

pytestmark = pytest.mark.aws

THEIRS = {k: v for k, v in os.environ.items() if k.startswith("DE_COPILOT_")}
SMALL = Limits(rows=5, bytes=100 * 2**20, seconds=120.0)


@pytest.fixture(scope="module")
def ws() -> Workspace:
    settings = load_settings(start=Path.cwd(), environ=THEIRS)
    if settings.backend != "aws":
        pytest.fail('The settings do not say backend = "aws"; docs/aws.md has an example.')
    return open_workspace(settings)


@pytest.fixture
def lake(ws: Workspace) -> AwsLake:
    assert isinstance(ws.lake, AwsLake)
    return ws.lake


def test_the_doctor_finds_nothing_to_repair(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in THEIRS.items():
        monkeypatch.setenv(name, value)

    assert run(["doctor"]) == 0, capsys.readouterr().out


def test_a_table_is_described(lake: AwsLake) -> None:
    assert lake.table(str(lake.tables()[0])).columns


def test_athena_answers_and_states_what_it_billed(lake: AwsLake) -> None:
    answer = lake.query("SELECT 1 AS one, 'a' AS text", limits=SMALL)

    assert answer.rows == ((1, "a"),)
    assert answer.query_id
    assert answer.bytes_scanned == 0


def test_athena_agrees_with_our_sql_of_a_real_table(lake: AwsLake) -> None:
    table = lake.table(str(lake.tables()[0]))

    assert lake.explain(f'SELECT count(*) AS n FROM "{table.name.database}"."{table.name.table}"').lower() == "true"


def test_jobs_are_read(ws: Workspace) -> None:
    unreadable = [r.name for r in ws.readings.values() if not r.readable]

    assert len(unreadable) < len(ws.readings) or not ws.jobs


def test_the_model_answers(ws: Workspace) -> None:
    if not ws.settings.model.startswith("bedrock:"):
        pytest.skip("no Bedrock model in the settings")
    short = ws.settings.bedrock.model_copy(update={"max_tokens": 5})

    assert open_bedrock(ws.settings.model.partition(":")[2], short).invoke("Say ok.").content
