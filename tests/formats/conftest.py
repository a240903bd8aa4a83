"""Where the tools are that really run the files we write: an environment of their own (`make formats`)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_HOME = Path(__file__).resolve().parents[2] / ".venv-formats" / "bin"


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder of their commands. Without it the tests are skipped, but in CI they fail."""
    if not (_HOME / "dbt").is_file():
        why = "the tools of other formats are not installed: run `make formats`"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return _HOME
