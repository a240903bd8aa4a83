"""Runs suites with Great Expectations itself, in its own environment, on tables of a SQLite file.

python gx_runner.py DATABASE SUITE...     prints {suite: {rule: passed or the reason why it could not be told}}
"""

# ruff: noqa: T201
import json
import logging
import sys
from pathlib import Path

import great_expectations as gx  # type: ignore[import-not-found]

logging.disable(logging.CRITICAL)
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False, "metric_calculations": False}
source = context.data_sources.add_sql("lake", connection_string=f"sqlite:///{sys.argv[1]}")
found = {}
for file in sys.argv[2:]:
    stated = json.loads(Path(file).read_text())
    name = Path(file).stem
    asset = source.add_query_asset(name, query=f'SELECT * FROM "{name}"')
    batch = asset.add_batch_definition_whole_table("all").get_batch()
    verdicts = {}
    for result in batch.validate(gx.ExpectationSuite(**stated)).results:
        raised = [v for v in result.exception_info.values() if isinstance(v, dict)]
        why = raised[0]["exception_message"] if raised and not result.success else None
        verdicts[result.expectation_config.meta["rule"]] = why or bool(result.success)
    found[file] = verdicts
print(json.dumps(found))
