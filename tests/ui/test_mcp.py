"""The tools over MCP: a real client on a real server, over standard input and output and over HTTP."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from tests.lakes import shop
from tests.servers import free_port, listening
from tools.changes import parse_change
from tools.impact import impact
from tools.toolbox import TOOLS
from tools.workspace import Workspace

CLI = "import sys; from ui.cli import run; sys.exit(run(sys.argv[1:]))"


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return shop(tmp_path_factory.mktemp("lake") / "shop")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the server's calls are recorded."""
    file = tmp_path_factory.mktemp("state") / "audit.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DE_COPILOT_AUDIT_PATH", str(file))
        yield file


@pytest.fixture(scope="module")
def address(ws: Workspace, log: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-c", CLI, "mcp", "--http", str(port), "--lake", str(ws.settings.lake)]
    with listening(command, port):
        yield f"http://127.0.0.1:{port}/mcp"


def over_http(address: str, name: str, args: dict[str, Any]) -> Any:
    async def ask() -> Any:
        async with streamable_http_client(address) as streams, ClientSession(streams[0], streams[1]) as session:
            await session.initialize()
            return await session.call_tool(name, args)

    return asyncio.run(ask())


def test_the_same_result_comes_over_http(ws: Workspace, address: str) -> None:
    expected = json.loads(json.dumps(impact(ws, parse_change("drop column raw.price")).to_dict()))
    result = over_http(address, "impact", {"change": "drop_column", "asset": "raw", "column": "price"})
    assert result.structured_content["data"] == expected
    assert "breaks 1 job" in result.content[0].text


def test_errors_are_results(address: str) -> None:
    missing = over_http(address, "schema", {"asset": "nothing_known"})
    assert missing.is_error
    assert "nothing_known" in missing.content[0].text
    wrong = over_http(address, "impact", {"change": "explode"})
    assert wrong.is_error


def test_each_call_is_recorded_with_its_receipt(address: str, log: Path) -> None:
    over_http(address, "schema", {"asset": "raw"})
    over_http(address, "schema", {"asset": "nothing_recorded"})

    right, wrong = [json.loads(line) for line in log.read_text("utf-8").splitlines()][-2:]
    assert (right["thread"], right["question"], right["error"]) == ("mcp", None, None)
    assert [(t["name"], t["args"], t["ok"]) for t in right["tools"]] == [("schema", {"asset": "raw"}, True)]
    assert right["tools"][0]["digest"]
    assert wrong["tools"][0]["ok"] is False


def test_over_standard_input_the_tools_are_those_of_the_chat_and_read_only(ws: Workspace) -> None:
    server = StdioServerParameters(command=sys.executable, args=["-c", CLI, "mcp", "--lake", str(ws.settings.lake)])

    async def listed() -> Any:
        async with stdio_client(server) as streams, ClientSession(streams[0], streams[1]) as session:
            await session.initialize()
            return (await session.list_tools()).tools

    tools = asyncio.run(listed())
    assert [t.name for t in tools] == [t.name for t in TOOLS if not t.writes]
    assert all(t.annotations.read_only_hint for t in tools)
    schema = next(t for t in tools if t.name == "stats").input_schema
    assert schema["required"] == ["asset"]


def test_a_file_that_changed_is_seen_by_the_next_call(ws: Workspace, address: str) -> None:
    before = over_http(address, "list_assets", {"kind": "job"}).content[0].text
    script = Path(ws.settings.lake) / "jobs" / "later_job.sql"
    script.write_text("CREATE TABLE later AS SELECT id FROM raw", encoding="utf-8")
    after = over_http(address, "list_assets", {"kind": "job"}).content[0].text
    assert "later_job" not in before
    assert "later_job" in after
