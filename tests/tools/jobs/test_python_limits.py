"""Nothing in a script can crash, hang or blow up the reader, and nothing in a script is ever run."""

from __future__ import annotations

import ast
import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tools.jobs.pyjobs import read, reasons, values, written
from tools.jobs import python
from tools.jobs.python.interpreter import Limits
from tools.jobs.python.script import read_script
from tools.jobs.session import Session
from tools.plan.catalog import EMPTY

FIXTURES = sorted((Path(__file__).parents[2] / "fixtures" / "jobs" / "spark").glob("*.py"))
ROOM = Path(python.__file__).parents[1]

ODD: dict[str, str] = {
    "endless recursion": "def f(n):\n    return f(n + 1) + f(n + 2)\nf(0)\n",
    "mutual recursion": "def a(): return b()\ndef b(): return a()\na()\n",
    "endless loop": "while True:\n    x = 1\n",
    "endless generator": "def g():\n    while True:\n        yield 1\nlist(g())\n",
    "huge numbers": "x = 10 ** 10 ** 10\ny = 1 << 10 ** 9\nz = 'a' * 10 ** 12\nw = [0] * 10 ** 12\n",
    "huge format": "x = '%999999999d' % 1\ny = '{:>999999999}'.format(1)\nz = f'{1:>999999999}'\n",
    "huge range": "for i in range(10 ** 15):\n    x = i\n",
    "nested loops": "for a in range(1000):\n  for b in range(1000):\n    for c in range(1000):\n      x = a\n",
    "exec": "exec('import os; os.system(\"true\")')\neval('1+1')\ncompile('x', 'y', 'exec')\n",
    "imports at run time": "__import__('os').system('true')\nimport importlib\nimportlib.import_module('os')\n",
    "odd decorators": "@(lambda f: None)\ndef f(): pass\n@undefined.thing(1)(2)\nclass C: pass\nf()\nC()\n",
    "patterns that take forever": "import re\nre.match('(a+)+$', 'a' * 30 + 'b')\nre.sub('(x*)*y', '', 'x' * 50)\n",
    "yaml that grows": "import yaml\nyaml.safe_load('a: &a [x, x]\\nb: &b [*a, *a]\\nc: [*b, *b]')\n",
    "self reference": "a = []\na.append(a)\nprint(a)\nd = {}\nd['d'] = d\nstr(d)\nx = a == [a]\n",
    "deep lists": "a = []\nfor i in range(5000):\n    a = [a]\nstr(a)\nb = a == a\n",
    "class that is its own base": "class A: pass\nclass A(A): pass\nA().x\nA.__bases__\n",
    "attributes of nothing": "None.x.y.z()\n(1).foo\n[].bar()\n{}['a']['b']\n",
    "wrong arguments": "df = spark.table()\ndf = spark.table('s.orders').select(1, None, [], {}, object())\ndf.join()\n",
    "frames as anything": "df = spark.table('s.orders')\nfor r in df: df[r] = df\ndf + 1\nnot df\ndf in df\ndf[0][1:2]\n",
    "deep parentheses": "x = " + "(" * 150 + "1" + ")" * 150,
    "deep unary": "x = " + "-" * 5000 + "1",
    "deep lists in source": "x = " + "[" * 90 + "]" * 90,
    "long sum": "x = " + " + ".join(["1"] * 20_000),
    "long chain of attributes": "x = a" + ".b" * 20_000,
    "many elifs": "import os\nif os.environ['X'] == 'a':\n    pass\n" + "".join(f"elif q == {i}:\n    y = {i}\n" for i in range(1000)),
    "deep functions": "".join(f"{'    ' * i}def f{i}():\n" for i in range(90)) + "    " * 90 + "pass\n",
}  # fmt: skip


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_odd_scripts_end_in_a_plan_or_a_report(text: str) -> None:
    reading = read(text + "\nspark.table('s.orders').select('id').write.saveAsTable('mart.x')\n")
    assert values(reading) == {"id": {"orders.id"}} or reading.unknowns


def test_code_made_at_run_time_is_reported() -> None:
    reading = read("exec(open('x').read())\nspark.table('s.orders').write.saveAsTable('mart.x')\n")
    assert "exec(…): code made at run time is not read" in reasons(reading)
    assert written(reading) == [("mart.x", "create")]


def test_a_chain_of_1500_calls() -> None:
    chain = "".join(f".withColumn('n{i % 7}', F.upper(F.col('state')))" for i in range(1500))
    reading = read(f"df = spark.table('s.orders'){chain}\ndf.write.saveAsTable('mart.x')\n")
    assert values(reading)["n6"] == {"orders.state"}
    assert not reading.unknowns


def test_an_expression_of_1500_terms() -> None:
    total = " + ".join("F.col('price')" for _ in range(1500))
    cases = "F" + "".join(f".when(F.col('qty') == {i}, {i})" for i in range(1500))
    reading = read(f"spark.table('s.orders').select(({total}).alias('a'), {cases}.alias('b')).write.saveAsTable('m.x')")
    assert values(reading)["a"] == {"orders.price"}


def test_twenty_thousand_lines() -> None:
    lines = "\n".join(f"v{i} = {{'a': [{i}, 'x'], 'b': ({i} + 1)}}" for i in range(20_000))
    reading = read(lines + "\nspark.table('s.orders').write.saveAsTable('mart.x')\n")
    assert written(reading) == [("mart.x", "create")]


def test_a_reading_that_takes_too_long_says_where_it_stopped() -> None:
    session = Session(EMPTY, "job.py", "spark", {})
    read_script("x = 0\nfor i in range(100):\n    x += 1\n", session, Limits(steps=50))
    assert [str(u.span) for u in session.plan.unknowns] == ["job.py:3"]


# --------------------------------------------------------------------------- mutations


def pieces(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|\"[^\"\n]*\"|'[^'\n]*'|.", text)


def mutated(text: str, seed: int) -> str:
    chance = random.Random(seed)
    kind = chance.choice(["cut", "drop", "swap", "lines"])
    if kind == "cut":
        return text[: chance.randrange(len(text))]
    if kind == "lines":
        lines = text.splitlines(keepends=True)
        del lines[chance.randrange(len(lines))]
        return "".join(lines)
    parts = pieces(text)
    for _ in range(chance.randint(1, 4)):
        one, two = chance.randrange(len(parts)), chance.randrange(len(parts))
        parts[one], parts[two] = (parts[two], parts[one]) if kind == "swap" else ("", parts[two])
    return "".join(parts)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FIXTURES), st.integers(0, 10**9))
def test_broken_scripts_never_raise(path: Path, seed: int) -> None:
    reading = read(mutated(path.read_text(), seed), head="")
    assert reading.edges is not None


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_or_reported(text: str) -> None:
    read(text, head="")


# --------------------------------------------------------------------------- nothing is run

FORBIDDEN_CALLS = {"exec", "eval", "compile", "__import__", "breakpoint", "input", "open"}
FORBIDDEN_MODULES = {
    "code", "codeop", "ctypes", "importlib", "marshal", "multiprocessing", "os", "pickle", "pkgutil", "runpy", "shutil",
    "socket", "subprocess", "zipimport",
}  # fmt: skip


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOM)))
def test_no_module_of_the_reader_can_run_or_import_job_code(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS, f"{path.name}:{node.lineno}"
        if isinstance(node, ast.Import):
            assert not {a.name.split(".")[0] for a in node.names} & FORBIDDEN_MODULES, f"{path.name}:{node.lineno}"
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in FORBIDDEN_MODULES, f"{path.name}:{node.lineno}"
