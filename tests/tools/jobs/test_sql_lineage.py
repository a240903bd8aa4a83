"""Column lineage of SQL, construct by construct: the statement, and the source columns of each written column.

`<-` are values; `(condition)`, `(filter)`, `(join)` … are columns that decide. A table's whole rows are `*`.
"""

from __future__ import annotations

import pytest

from tools.jobs import JobReading, read_job
from tools.plan.catalog import DictCatalog

CATALOG = DictCatalog(
    {
        "s.orders": [("id", "bigint"), ("cust", "bigint"), ("price", "double"), ("qty", "bigint"), ("day", "date")],
        "s.custs": [("id", "bigint"), ("name", "varchar"), ("tags", "array(varchar)"), ("seg", "varchar")],
        "s.target": [("k", "bigint"), ("v", "double"), ("day", "date")],
        "lake.sums": [("day", "date"), ("q1", "double"), ("q2", "double")],
    },
    "s",
)


def read(sql: str, dialect: str = "athena") -> JobReading:
    return read_job(sql, name="job.sql", dialect=dialect, catalog=CATALOG)


def values(reading: JobReading) -> dict[str, set[str]]:
    """Written column -> the columns whose values reach it."""
    found: dict[str, set[str]] = {
        f"{w.target.name}.{a.column}": set() for w in reading.plan.writes for a in w.assignments
    }
    for edge in reading.edges:
        if edge.role == "value" and edge.target_column:
            found[f"{edge.target}.{edge.target_column}"].add(short(edge.source, edge.source_column))
    return {column.removeprefix("s."): sources for column, sources in found.items()}


def deciding(reading: JobReading, role: str) -> set[str]:
    return {short(e.source, e.source_column) for e in reading.edges if e.role == role}


def short(table: str, column: str) -> str:
    return f"{table.removeprefix('s.')}.{column}"


VALUES: list[tuple[str, str, str, dict[str, set[str]]]] = [
    ("CTAS", "athena", "CREATE TABLE o AS SELECT id, price * qty AS total FROM orders",
     {"o.id": {"orders.id"}, "o.total": {"orders.price", "orders.qty"}}),
    ("INSERT with a column list", "athena", "INSERT INTO target (v, k) SELECT price, id FROM orders",
     {"target.v": {"orders.price"}, "target.k": {"orders.id"}}),
    ("INSERT by position", "athena", "INSERT INTO target SELECT id, price, day FROM orders",
     {"target.k": {"orders.id"}, "target.v": {"orders.price"}, "target.day": {"orders.day"}}),
    ("INSERT OVERWRITE with a fixed partition", "spark",
     "INSERT OVERWRITE TABLE target PARTITION (day = '2026-01-01') SELECT id, price FROM orders",
     {"target.k": {"orders.id"}, "target.v": {"orders.price"}, "target.day": set()}),
    ("INSERT OVERWRITE with a moving partition", "spark",
     "INSERT OVERWRITE TABLE target PARTITION (day) SELECT id, price, day FROM orders",
     {"target.k": {"orders.id"}, "target.v": {"orders.price"}, "target.day": {"orders.day"}}),
    ("Hive's multi-insert", "hive", "FROM orders INSERT OVERWRITE TABLE a SELECT id INSERT INTO TABLE b SELECT price",
     {"a.id": {"orders.id"}, "b.price": {"orders.price"}}),
    ("UNLOAD", "athena", "UNLOAD (SELECT id FROM orders) TO 's3://out/x/' WITH (format = 'PARQUET')",
     {"s3://out/x.id": {"orders.id"}}),
    ("MERGE", "spark", """MERGE INTO target t USING orders s ON t.k = s.id
        WHEN MATCHED AND s.qty > 0 THEN UPDATE SET v = s.price
        WHEN NOT MATCHED THEN INSERT (k, v, day) VALUES (s.id, s.price * 2, s.day)""",
     {"target.k": {"orders.id"}, "target.v": {"orders.price"}, "target.day": {"orders.day"}}),
    ("MERGE with stars", "spark", """MERGE INTO target t
        USING (SELECT id AS k, price AS v, day FROM orders) s ON t.k = s.k
        WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *""",
     {"target.k": {"orders.id"}, "target.v": {"orders.price"}, "target.day": {"orders.day"}}),
    ("UPDATE FROM", "spark", "UPDATE target SET v = o.price FROM orders o WHERE target.k = o.id",
     {"target.v": {"orders.price"}}),
    ("CTE and star", "athena", "CREATE TABLE o AS WITH x AS (SELECT id, price AS p FROM orders) SELECT * FROM x",
     {"o.id": {"orders.id"}, "o.p": {"orders.price"}}),
    ("recursive CTE", "athena",
     "CREATE TABLE o AS WITH RECURSIVE r(n) AS (SELECT id FROM orders UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
     {"o.n": {"orders.id"}}),
    ("UNION by position", "athena", "CREATE TABLE o AS SELECT id AS a FROM orders UNION ALL SELECT id FROM custs",
     {"o.a": {"orders.id", "custs.id"}}),
    ("UNION BY NAME", "duckdb",
     "CREATE TABLE o AS SELECT id AS a, price AS b FROM orders UNION ALL BY NAME SELECT name AS b, id AS a FROM custs",
     {"o.a": {"orders.id", "custs.id"}, "o.b": {"orders.price", "custs.name"}}),
    ("EXCEPT takes its values from the left", "athena",
     "CREATE TABLE o AS SELECT id FROM orders EXCEPT SELECT id FROM custs", {"o.id": {"orders.id"}}),
    ("JOIN USING", "athena", "CREATE TABLE o AS SELECT id, name FROM orders LEFT JOIN custs USING (id)",
     {"o.id": {"orders.id"}, "o.name": {"custs.name"}}),
    ("FULL JOIN USING takes either", "athena", "CREATE TABLE o AS SELECT id FROM orders FULL JOIN custs USING (id)",
     {"o.id": {"orders.id", "custs.id"}}),
    ("scalar subquery", "athena",
     "CREATE TABLE o AS SELECT id, (SELECT max(name) FROM custs c WHERE c.id = t.cust) AS n FROM orders t",
     {"o.id": {"orders.id"}, "o.n": {"custs.name"}}),
    ("UNNEST of two arrays WITH ORDINALITY", "athena",
     "CREATE TABLE o AS SELECT a, b, n FROM custs CROSS JOIN UNNEST(tags, ARRAY[seg]) WITH ORDINALITY AS u(a, b, n)",
     {"o.a": {"custs.tags"}, "o.b": {"custs.seg"}, "o.n": set()}),
    ("LATERAL VIEW", "spark", "CREATE TABLE o AS SELECT id, t FROM custs LATERAL VIEW explode(tags) x AS t",
     {"o.id": {"custs.id"}, "o.t": {"custs.tags"}}),
    ("PIVOT", "spark",
     "CREATE TABLE o AS SELECT * FROM (SELECT cust, day, price FROM orders) "
     "PIVOT (sum(price) FOR day IN ('a' AS a, 'b' AS b))",
     {"o.cust": {"orders.cust"}, "o.a": {"orders.price"}, "o.b": {"orders.price"}}),
    ("UNPIVOT", "spark", "CREATE TABLE o AS SELECT day, q, v FROM lake.sums UNPIVOT (v FOR q IN (q1, q2))",
     {"o.day": {"lake.sums.day"}, "o.q": set(), "o.v": {"lake.sums.q1", "lake.sums.q2"}}),
    ("struct fields map to their column", "spark", "CREATE TABLE o AS SELECT c.tags[0] AS first FROM custs c",
     {"o.first": {"custs.tags"}}),
    ("EXCEPT and REPLACE on a star", "duckdb",
     "CREATE TABLE o AS SELECT * EXCLUDE (day, qty, cust) REPLACE (price * 2 AS price) FROM orders",
     {"o.id": {"orders.id"}, "o.price": {"orders.price"}}),
    ("an alias used by a later item, in Spark", "spark",
     "CREATE TABLE o AS SELECT price * 2 AS p, p + qty AS z FROM orders",
     {"o.p": {"orders.price"}, "o.z": {"orders.price", "orders.qty"}}),
    ("names fold, displays stay", "athena", 'CREATE TABLE o AS SELECT ID, "PRICE" AS "Cost" FROM Orders',
     {"o.id": {"orders.id"}, "o.Cost": {"orders.price"}}),
    ("catalog prefix", "athena", 'CREATE TABLE o AS SELECT id FROM "AwsDataCatalog"."s"."orders"',
     {"o.id": {"orders.id"}}),
    ("schemas carry from one statement to the next", "athena",
     "CREATE TABLE tmp AS SELECT id AS a, price AS b FROM orders; CREATE TABLE o AS SELECT * FROM tmp",
     {"tmp.a": {"orders.id"}, "tmp.b": {"orders.price"}, "o.a": {"tmp.a"}, "o.b": {"tmp.b"}}),
    ("a temporary view is only a name", "spark",
     "CREATE TEMPORARY VIEW x AS SELECT id AS a FROM orders; INSERT INTO o SELECT a FROM x", {"o.a": {"orders.id"}}),
    ("no schema: columns appear as they are named", "athena", "CREATE TABLE o AS SELECT x, y + 1 AS z FROM nowhere.t",
     {"o.x": {"nowhere.t.x"}, "o.z": {"nowhere.t.y"}}),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "sql", "expected"), [v[1:] for v in VALUES], ids=[v[0] for v in VALUES])
def test_values(dialect: str, sql: str, expected: dict[str, set[str]]) -> None:
    reading = read(sql, dialect)
    assert {k.lower(): v for k, v in values(reading).items()} == {k.lower(): v for k, v in expected.items()}
    assert reading.unknowns == []


ROLES: list[tuple[str, str, str, set[str]]] = [
    ("condition", "CASE", "SELECT CASE WHEN qty > 0 THEN price END AS p FROM orders", {"orders.qty"}),
    ("condition", "FILTER", "SELECT sum(price) FILTER (WHERE qty > 0) AS p FROM orders", {"orders.qty"}),
    ("filter", "WHERE", "SELECT id FROM orders WHERE price > 1 AND qty = 2", {"orders.price", "orders.qty"}),
    ("filter", "HAVING", "SELECT cust FROM orders GROUP BY cust HAVING sum(price) > 10", {"orders.price"}),
    ("filter", "EXISTS", "SELECT id FROM orders o WHERE EXISTS (SELECT 1 FROM custs c WHERE c.id = o.cust)",
     {"custs.id", "orders.cust"}),
    ("filter", "IN", "SELECT id FROM orders WHERE cust IN (SELECT id FROM custs)", {"orders.cust", "custs.id"}),
    ("join", "ON", "SELECT o.id FROM orders o JOIN custs c ON o.cust = c.id AND c.seg = 'a'",
     {"orders.cust", "custs.id", "custs.seg"}),
    ("join", "NATURAL", "SELECT name FROM orders NATURAL JOIN custs", {"orders.id", "custs.id"}),
    ("group_by", "GROUP BY", "SELECT cust, sum(price) AS p FROM orders GROUP BY cust, day",
     {"orders.cust", "orders.day"}),
    ("group_by", "GROUP BY position", "SELECT cust + 1 AS c, count(*) AS n FROM orders GROUP BY 1", {"orders.cust"}),
    ("group_by", "ROLLUP", "SELECT cust, day, sum(price) AS p FROM orders GROUP BY ROLLUP (cust, day)",
     {"orders.cust", "orders.day"}),
    ("sort", "ORDER BY alias", "SELECT price * 2 AS p FROM orders ORDER BY p LIMIT 3", {"orders.price"}),
    ("window", "OVER", "SELECT sum(price) OVER (PARTITION BY cust ORDER BY day) AS p FROM orders",
     {"orders.cust", "orders.day"}),
    ("window", "named window", "SELECT row_number() OVER w AS n FROM orders WINDOW w AS (PARTITION BY qty)",
     {"orders.qty"}),
]  # fmt: skip


@pytest.mark.parametrize(("role", "query", "expected"), [(r[0], *r[2:]) for r in ROLES], ids=[r[1] for r in ROLES])
def test_what_decides(role: str, query: str, expected: set[str]) -> None:
    assert deciding(read(f"CREATE TABLE o AS {query}"), role) == expected


def test_trino_does_not_know_an_alias_in_the_same_list() -> None:
    (unknown,) = read("CREATE TABLE o AS SELECT price AS p, p + 1 AS z FROM orders").unknowns
    assert unknown.name == "p"


def test_a_missing_column_is_reported_with_its_line_and_what_there_is() -> None:
    (unknown,) = read("CREATE TABLE o AS\nSELECT id,\n  colour\nFROM orders").unknowns
    assert (unknown.kind, unknown.name, str(unknown.span)) == ("column", "colour", "job.sql:3")
    assert "there is id, cust, price" in unknown.reason


def test_a_statement_that_does_not_parse_does_not_hide_the_others() -> None:
    reading = read("CREATE TABLE a AS SELECT id FROM orders;\nSELEC oops FROM;\nCREATE TABLE b AS SELECT id FROM custs")
    assert reading.writes == ["s.a", "s.b"]
    (unknown,) = reading.unknowns
    assert (unknown.kind, unknown.span.line if unknown.span else None) == ("statement", 2)


def test_edges_say_where_the_source_is_named_and_by_which_expression() -> None:
    reading = read("CREATE TABLE o AS\nSELECT\n  id,\n  price * qty AS total\nFROM orders")
    edge = next(e for e in reading.edges if e.source_column == "qty")
    assert (str(edge.span), edge.expression) == ("job.sql:4", "price * qty")


def test_a_template_hole_stays_in_the_name() -> None:
    reading = read("INSERT INTO ${db}.out SELECT id FROM {{ ref('orders') }} WHERE day = DATE '${ds}'")
    assert reading.writes == ["${db}.out"]
    assert reading.reads == ["s.orders"]


def test_a_column_that_could_be_of_several_tables_is_all_of_them_with_low_confidence() -> None:
    reading = read("CREATE TABLE o AS SELECT x FROM nowhere.a JOIN nowhere.b ON a.id = b.id")
    edges = [e for e in reading.edges if e.role == "value"]
    assert {(e.source, e.confidence) for e in edges} == {("nowhere.a", "low"), ("nowhere.b", "low")}


def test_a_star_over_an_unknown_table_stays_a_star() -> None:
    reading = read("CREATE TABLE o AS SELECT *, upper(x) AS loud FROM nowhere.t")
    assert {(e.source_column, e.target_column) for e in reading.edges} == {("x", "loud"), ("x", "x"), ("*", "*")}


def test_what_only_this_jobs_own_merge_reads_is_no_input() -> None:
    reading = read("MERGE INTO target t USING orders s ON t.k = s.id WHEN MATCHED THEN UPDATE SET v = s.price", "spark")
    assert reading.reads == ["s.orders"]


def test_a_table_that_the_script_makes_and_reads_again_is_no_input_of_it() -> None:
    reading = read("CREATE TABLE tmp AS SELECT id FROM orders; CREATE TABLE o AS SELECT id FROM tmp")
    assert reading.inputs == ["s.orders"]


@pytest.mark.parametrize(
    "sql", ["", ";;;", "-- only a comment", "SELECT", "(((", "'", '"', "\x00", "SELECT 1 FROM (", "$" * 99]
)
def test_no_text_makes_the_reader_fail(sql: str) -> None:
    read(sql)


def test_a_thousand_unions_are_read() -> None:
    sql = " UNION ALL ".join(["SELECT id FROM orders"] * 1000)
    assert values(read(f"CREATE TABLE o AS {sql}")) == {"o.id": {"orders.id"}}


def test_a_dropped_column_is_no_longer_there_for_later_statements() -> None:
    reading = read("ALTER TABLE s.custs DROP COLUMN tags; CREATE TABLE s.copy AS SELECT * FROM s.custs")
    assert set(values(reading)) == {"copy.id", "copy.name", "copy.seg"}


def test_a_drop_names_every_table_and_says_whether_something_was_written_before_it() -> None:
    reading = read("DROP TABLE IF EXISTS a.b, c.d; CREATE TABLE s.x AS SELECT id FROM s.custs; DROP VIEW s.v")
    assert [(d.action, d.dataset.name, d.after) for d in reading.plan.definitions] == [
        ("drop", "a.b", 0),
        ("drop", "c.d", 0),
        ("drop", "s.v", 1),
    ]


def test_a_dropped_table_has_no_columns_of_its_own_any_more() -> None:
    reading = read("DROP TABLE s.target; CREATE TABLE s.target AS SELECT id, name FROM s.custs; SELECT * FROM s.target")
    assert [a.column for a in reading.plan.writes[-1].assignments] == ["id", "name"]


def test_an_outer_table_called_like_an_inner_column_is_the_table_where_the_column_has_no_fields() -> None:
    reading = read("SELECT day.v FROM target day WHERE EXISTS (SELECT 1 FROM orders WHERE orders.id = day.k)")

    assert reading.unknowns == []
    assert {"target.k", "orders.id"} <= {short(e.source, e.source_column) for e in reading.edges}
