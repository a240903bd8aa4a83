"""The house's own rules, those that no linter holds."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("agent", "knowledge", "tools", "ui")
SOURCES = sorted(path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def documents() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


def test_a_file_name_says_what_it_holds() -> None:
    says_nothing = {"utils", "util", "helpers", "common", "misc"}

    assert [source for source in SOURCES if says_nothing & set(source.with_suffix("").parts)] == []


def test_nothing_that_reads_job_code_can_run_it() -> None:
    readers = [source for source in SOURCES if source.parts[:2] == ("tools", "jobs")]

    assert {source: run for source in readers if (run := ways_to_run_code(source))} == {}
    assert readers


def ways_to_run_code(source: Path) -> set[str]:
    tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names & {"__import__", "compile", "eval", "exec"}


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_every_make_command_in_the_documents_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, flags=re.MULTILINE))
    named = set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)`", document.read_text("utf-8"), flags=re.MULTILINE))

    assert {first or second for first, second in named} <= targets
    assert named


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))

    assert [link for link in links if not (ROOT / link).exists()] == []


def test_ci_runs_exactly_the_readme_test_command() -> None:
    assert re.search(r"^make test\b", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert re.search(r'^step "tests" make test$', (ROOT / ".ci/run").read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_every_dependency_is_locked_with_a_hash_and_without_an_address() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    needed = {re.split(r"[^A-Za-z0-9-]", requirement)[0].lower() for requirement in wanted}
    locked = {match[1] for match in re.finditer(r"^([a-z0-9-]+)==\S+.*\\\n +--hash=sha256:", lock, re.MULTILINE)}

    assert needed <= locked
    assert "://" not in lock
