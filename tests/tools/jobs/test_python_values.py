"""Names that a script puts together: texts, known and partly known, and where they end up."""

from __future__ import annotations

import pytest

from tests.tools.jobs.pyjobs import read, reasons, written

ARGUMENTS = """
import sys
from awsglue.utils import getResolvedOptions
args = getResolvedOptions(sys.argv, ["env", "table"])
"""

TARGETS: list[tuple[str, str, str]] = [
    ("f-string", 'db = "mart"; name = f"{db}.t_{1 + 1:02d}"', "mart.t_02"),
    ("format", 'name = "{}.{t}".format("mart", t="x")', "mart.x"),
    ("format with fields", 'name = "{0[db]}.{1}".format({"db": "mart"}, "x")', "mart.x"),
    ("percent", 'name = "%s.%s_%d" % ("mart", "x", 7)', "mart.x_7"),
    ("percent with names", 'name = "%(d)s.x" % {"d": "mart"}', "mart.x"),
    ("join and split", 'name = ".".join("mart/x".split("/"))', "mart.x"),
    ("methods", 'name = " MART.X ".strip().lower().replace("x", "y")', "mart.y"),
    ("slices", 'name = "xxmart.tyy"[2:-2]', "mart.t"),
    ("plus and augmented plus", 'name = "mart" + "."; name += "x"', "mart.x"),
    ("a config dictionary", 'c = {"out": {"t": ["a", "mart.x"]}}; name = c["out"]["t"][-1]', "mart.x"),
    ("json", 'import json; name = json.loads(\'{"t": "mart.x"}\')["t"]', "mart.x"),
    ("yaml", 'import yaml; name = yaml.safe_load("t: mart.x")["t"]', "mart.x"),
    (
        "configparser",
        "import configparser; c = configparser.ConfigParser(); "
        'c.read_string("[a]\\nt = mart.x"); name = c.get("a", "t")',
        "mart.x",
    ),
    ("a template", 'from string import Template; name = Template("$d.x").substitute(d="mart")', "mart.x"),
    ("a walrus", 'name = (n := "mart") + ".x"', "mart.x"),
    ("os.path.join", 'import os; name = os.path.join("s3://b", "a", "b")', "s3://b/a/b"),
    ("pathlib", 'from pathlib import Path; name = str(Path("mart") / "x").replace("/", ".")', "mart.x"),
    ("an argument", 'name = f"s3://b/{args[\'env\']}/x"', "s3://b/${args.env}/x"),
    ("an argument through methods", 'name = "s3://b/" + args["env"].strip().lower() + "/x"', "s3://b/${args.env}/x"),
    ("an argument that nobody asked for", 'name = f"mart.{args[\'other\']}"', "mart.${args.other}"),
    ("an environment variable", 'import os; name = "mart." + os.environ["TABLE"]', "mart.${env.table}"),
    ("an environment variable with a default", 'import os; name = "mart." + os.environ.get("T", "x")', "mart.x"),
    ("today", 'from datetime import date; name = f"s3://b/{date.today():%Y}/x"', "s3://b/${runtime.date.today}/x"),
    ("a part of a path with an argument", 'name = "s3://b/" + f"a/{args[\'env\']}/c".split("/")[1]', "s3://b/${args.env}"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "target"), [t[1:] for t in TARGETS], ids=[t[0] for t in TARGETS])
def test_where_it_writes(code: str, target: str) -> None:
    reading = read(
        ARGUMENTS + code + '\ndf = spark.table("s.orders")\n'
        'df.write.parquet(name) if "/" in name else df.write.saveAsTable(name)\n'
    )
    assert {name.lower() for name, _ in written(reading)} == {target.lower()}


def test_known_arguments_fill_the_holes() -> None:
    reading = read(
        ARGUMENTS + "spark.table(f\"s.{args['table']}\").write.saveAsTable(f\"mart_{args['env']}.x\")",
        {"env": "dev", "table": "orders"},
    )
    assert reading.reads == ["s.orders"]
    assert reading.writes == ["mart_dev.x"]


@pytest.mark.parametrize(
    "arguments", [{"run-date": "2026-01-02"}, {"run_date": "2026-01-02"}, {"--run-date": "2026-01-02"}]
)
def test_argparse_takes_the_job_arguments(arguments: dict[str, str]) -> None:
    body = """
import argparse
p = argparse.ArgumentParser()
p.add_argument("--run-date", required=True)
p.add_argument("--n", type=int, default=3)
p.add_argument("--quiet", action="store_true")
a = p.parse_args()
spark.table("s.orders").write.parquet(f"s3://b/{a.run_date}/{a.n * 2}/{a.quiet}")
"""
    assert read(body, arguments).writes == ["s3://b/2026-01-02/6/False"]


def test_a_path_that_aws_answers_is_said_to_be_unknown() -> None:
    body = """
import boto3
s3 = boto3.client("s3")
newest = sorted(s3.list_objects_v2(Bucket="b")["Contents"], key=lambda o: o["LastModified"])[-1]["Key"]
spark.read.parquet(f"s3://b/{newest}").write.parquet("s3://b/out")
"""
    reading = read(body)
    assert reading.reads == ["s3://b/${?}"]
    assert "read job.py:8: reads from a name known only at run time (boto3.client" in reasons(reading)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("[x * 2 for x in range(4) if x % 2]", "[2, 6]"),
        ("sorted({'b': 1, 'a': 2})", "['a', 'b']"),
        ("{k: v for k, v in zip('ab', [1, 2])}", "{'a': 1, 'b': 2}"),
        ("list(map(lambda a, b: a + b, [1, 2], [3, 4]))", "[4, 6]"),
        ("[*[1], *(2, 3)][::-1]", "[3, 2, 1]"),
        ("dict([('a', 1)], b=2)", "{'a': 1, 'b': 2}"),
        ("max([3, 1], key=lambda x: -x), sum([1, 2]), any([0, 1]), len('abc')", "(1, 3, True, 3)"),
        ("[a if a > 1 else 'n' for a in (1, 2)]", "['n', 2]"),
        ("(lambda *a, k=1, **kw: (a, k, kw))(1, 2, k=3, z=4)", "((1, 2), 3, {'z': 4})"),
        ("[(i, j) for i in (1, 2) for j in 'ab' if i == 1]", "[(1, 'a'), (1, 'b')]"),
        ("'a-b_c'.partition('-')[2].upper().split('_')", "['B', 'C']"),
    ],
)
def test_plain_python_is_computed(code: str, expected: str) -> None:
    reading = read(f'spark.table("s.orders").write.parquet("s3://b/" + str(({code})))')
    assert [w.target.name for w in reading.plan.writes] == [f"s3://b/{expected}"]
