"""Runs Soda contracts with Soda itself, in its own environment: prints {contract: {check: passed}} as JSON.

python soda_runner.py DATABASE CONTRACT...
"""

# ruff: noqa: T201
import json
import logging
import sys
import tempfile
from pathlib import Path

from soda_core.contracts import verify_contract_locally  # type: ignore[import-not-found]

logging.disable(logging.CRITICAL)
source = Path(tempfile.mkdtemp()) / "source.yml"
source.write_text(f"type: duckdb\nname: lake\nconnection:\n  database: {sys.argv[1]}\n")
found = {}
for contract in sys.argv[2:]:
    result = verify_contract_locally(data_source_file_path=str(source), contract_file_path=contract)
    errors = result.get_errors_str()
    checks = {
        check.check.name: check.outcome.name
        for one in result.contract_verification_results
        for check in one.check_results
    }
    found[contract] = {"errors": errors, "checks": checks}
print(json.dumps(found))
