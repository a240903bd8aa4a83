"""Only reading gets through, whatever a statement looks like."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from knowledge.errors import CopilotError, QueryError, QueryRefused
from tools.lake.guard import check, parse_athena
from tools.lake.local import LocalLake

REFUSED = [
    ("SELECT '--' ; DROP TABLE x", "2 statements at once; the second is DROP"),
    ("DROP TABLE x", "not DROP"),
    ("INSERT INTO a SELECT 1", "not INSERT"),
    ("DELETE FROM a", "not DELETE"),
    ("UPDATE a SET x = 1", "not UPDATE"),
    ("MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE", "not MERGE"),
    ("CREATE TABLE x AS SELECT 1", "not CREATE"),
    ("CREATE EXTERNAL TABLE x (a int) STORED AS PARQUET LOCATION 's3://b/x'", "not CREATE"),
    ("ALTER TABLE x ADD COLUMNS (y int)", "not ALTER"),
    ("MSCK REPAIR TABLE x", "not MSCK"),
    ("UNLOAD (SELECT 1) TO 's3://b/x' WITH (format = 'PARQUET')", "not UNLOAD"),
    ("COPY (SELECT 1) TO 'x.csv'", "not COPY"),
    ("ATTACH 'x.db'", ""),
    ("INSTALL httpfs", ""),
    ("PRAGMA version", "not PRAGMA"),
    ("SET x = 1", "not SET"),
    ("CALL foo()", "not CALL"),
    ("EXECUTE foo", "not EXECUTE"),
    ("SHOW TABLES", "ask for its schema"),
    ("DESCRIBE t", "ask for its schema"),
    ("EXPLAIN SELECT 1", "ask for its schema"),
    ("", "no statement"),
    (" ; ; ", "no statement"),
    ("-- only a comment", "no statement"),
    ("WITH a AS (DELETE FROM t) SELECT 1", "not DELETE"),
    ("WITH a AS (INSERT INTO t SELECT 1) SELECT 1", ""),
    ("SELECT * FROM t FOR UPDATE", "LOCKS"),
    ("SELECT 1 INTO x", "INTO"),
    ("SELECT * FROM read_csv('/etc/passwd')", "Table function"),
    ("SELECT * FROM read_text('/etc/passwd')", "Table function"),
    ("SELECT * FROM glob('/etc/*')", ""),
    ("SELECT * FROM query('DROP TABLE x')", "Table function"),
    ("SELECT * FROM duckdb_settings()", "Table function"),
    ("SELECT * FROM pragma_table_info('t')", "Table function"),
    ("SELECT * FROM t, LATERAL read_text('/etc/passwd')", ""),
    ("SELECT * FROM t FOR TIMESTAMP AS OF TIMESTAMP '2024-01-01 00:00:00'", "Time travel"),
]


@pytest.mark.parametrize(("sql", "reason"), REFUSED)
def test_refuses_everything_but_reading(sql: str, reason: str) -> None:
    with pytest.raises(QueryError) as refusal:
        check(parse_athena(sql))
    assert reason in str(refusal.value)
    assert "\x1b" not in str(refusal.value)


@pytest.mark.parametrize("name", ["getenv", "current_setting", "read_blob", "pg_read_file", "query_table", "error"])
def test_refuses_functions_that_athena_does_not_have(name: str) -> None:
    with pytest.raises(QueryError, match=f"Function '{name}' not registered"):
        check(parse_athena(f"SELECT {name}('x') FROM t"))


def test_a_misspelt_function_gets_the_nearest_names() -> None:
    with pytest.raises(QueryError, match="regexp_replace"):
        check(parse_athena("SELECT regexp_replce(a, 'b') FROM t"))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT replace('a;b', ';', '--')",
        "SELECT 'DROP TABLE x', \"delete\" FROM t -- ; DROP TABLE y",
        "WITH a AS (SELECT 1 AS x) SELECT * FROM a UNION ALL SELECT 2",
        "VALUES (1, 'a')",
        "(SELECT 1)",
        "SELECT x FROM UNNEST(sequence(1, 3)) AS u (x)",
        "SELECT count(*) FILTER (WHERE a > 1) OVER (PARTITION BY b ORDER BY c ROWS 1 PRECEDING) FROM t",
        "SELECT 1; -- and nothing more",
        "SELECT a FROM t WHERE b LIKE 'c!_' ESCAPE '!' AND EXISTS (SELECT 1) AND d = ANY (SELECT 2)",
        "SELECT CAST(a AS row(x integer)), TRY(b), date '2024-01-01' + interval '1' day FROM t TABLESAMPLE BERNOULLI (5)",
        "SELECT a, sum(b) FROM t GROUP BY GROUPING SETS ((a), ()) ORDER BY 1 NULLS FIRST OFFSET 1 LIMIT 2",
        "SELECT current_date, current_timestamp AT TIME ZONE 'UTC', extract(day FROM a), x'ab', U&'\\0041' FROM t",
        "SELECT ? FROM t WHERE a = ?",
    ],
)
def test_lets_reading_through(sql: str) -> None:
    check(parse_athena(sql))


def test_says_where_a_refused_part_stands() -> None:
    with pytest.raises(QueryRefused) as refusal:
        check(parse_athena("SELECT *\nFROM t\nJOIN read_csv('x') AS u ON true"))
    assert "line 3:" in str(refusal.value)


def test_a_deeply_nested_query_is_refused_and_not_a_crash() -> None:
    with pytest.raises(QueryError):
        check(parse_athena("SELECT " + "(" * 20_000 + "1" + ")" * 20_000))


words = st.sampled_from(
    "SELECT FROM WHERE t a b 1 'x' , ( ) ; DROP TABLE INSERT INTO DELETE UPDATE SET WITH AS UNION ALL VALUES CREATE"
    " COPY TO ATTACH LOAD PRAGMA EXPLAIN * = -- /* */ read_csv UNNEST JOIN ON LIMIT ORDER BY MERGE USING GRANT".split()
)


@given(st.lists(words, max_size=14).map(" ".join))
def test_whatever_passes_is_one_query_that_reads(sql: str) -> None:
    try:
        tree = parse_athena(sql)
        check(tree)
    except CopilotError:
        return
    assert isinstance(tree, exp.Query | exp.Values)
    writing = (exp.DDL, exp.DML, exp.Command, exp.Drop, exp.Into)
    assert not [node for node in tree.walk() if isinstance(node, writing) and not isinstance(node, exp.Query)]


@given(st.text(alphabet=string.printable, max_size=60))
def test_any_text_is_read_or_refused_in_our_own_words(text: str) -> None:
    said = ""
    try:
        check(parse_athena(text))
    except CopilotError as error:
        said = error.message
    assert "\x1b" not in said


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('{root}/jobs/secret.sql')",
        "SELECT * FROM '/etc/passwd'",
        "ATTACH '{root}/x.db'",
        "COPY (SELECT 1) TO '{root}/tables/x.csv'",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "CREATE TABLE x AS SELECT 1",
        "SELECT 1; SELECT 2",
        "EXPORT DATABASE '{root}/x'",
        "SELECT * FROM read_csv('https://example.com/x.csv')",
    ],
)
def test_the_engine_refuses_what_would_get_past_the_guard(sql: str, daily_lake: LocalLake) -> None:
    """The guard is left out: the text goes to the locked engine as it is."""
    (daily_lake.root / "jobs").mkdir()
    (daily_lake.root / "jobs" / "secret.sql").write_text("SELECT 1")

    class Raw(exp.Expression):
        def sql(self, *_: object, **__: object) -> str:
            return sql.replace("{root}", str(daily_lake.root))

    before = sorted(daily_lake.root.rglob("*"))
    with pytest.raises(QueryError):
        daily_lake._tables.engine.select(Raw(), rows=1, seconds=5)
    assert sorted(daily_lake.root.rglob("*")) == before
