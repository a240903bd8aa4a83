"""What starting costs: a command loads what it needs and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"langchain", "langchain_core", "langgraph", "streamlit", "onnxruntime", "boto3", "pandas"}
LISTING = (
    "import sys; from ui.cli import run; code = run(sys.argv[1:]); print(*sys.modules, file=sys.stderr); sys.exit(code)"
)


def loaded_by(*line: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", LISTING, *line], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stderr.split()}


def test_help_loads_neither_an_engine_nor_a_model_nor_a_page() -> None:
    assert loaded_by("--help") & {*HEAVY, "duckdb", "sqlglot", "rustworkx", "pydantic", "rich"} == set()


@pytest.mark.parametrize(
    "line",
    [
        ["schema", "orders"],
        ["stats", "orders"],
        ["lineage", "orders"],
        ["impact", "drop column customers.segment"],
        ["job", "loyalty_job"],
        ["assets"],
        ["doctor"],
    ],
    ids=lambda line: line[0],
)
def test_the_engines_commands_load_no_model_and_no_page(shop: Path, line: list[str]) -> None:
    loaded = loaded_by("--lake", str(shop), *line)

    assert loaded & HEAVY == set()
    assert "duckdb" in loaded


def test_every_command_has_an_example_in_its_help(command) -> None:
    names = [line.split()[0] for line in command("--help").out.partition("Commands:")[2].splitlines() if line.strip()]

    without = [name for name in names if f"  de-copilot {name}" not in command(name, "--help").out]

    assert len(names) >= 12
    assert without == []
