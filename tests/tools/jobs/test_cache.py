"""A job is read again only when something that its reading rests on has changed."""

from __future__ import annotations

from tools.jobs import JobReading
from tools.jobs.cache import ReadingCache
from tools.plan.catalog import Catalog, Changed, DictCatalog

CATALOG = DictCatalog({"d.a": [("x", "bigint"), ("y", "bigint")], "d.b": [("z", "bigint")]}, "d")
JOB = "INSERT INTO out SELECT x FROM a"


def read(cache: ReadingCache, catalog: Catalog, text: str = JOB, **arguments: str) -> JobReading:
    return cache.read(text, name="job", file="job.sql", language="sql", catalog=catalog, arguments=arguments)


def test_the_same_job_over_the_same_catalog_is_read_once() -> None:
    cache = ReadingCache()
    assert read(cache, CATALOG) is read(cache, CATALOG)


def test_another_text_or_other_arguments_are_read() -> None:
    cache = ReadingCache()
    first = read(cache, CATALOG)
    assert read(cache, CATALOG, JOB + " WHERE y > 1") is not first
    assert read(cache, CATALOG, env="prod") is not first


def test_a_changed_column_of_a_table_it_reads_makes_it_read_again() -> None:
    cache = ReadingCache()
    first = read(cache, CATALOG)
    after = read(cache, Changed(CATALOG, {"d.a": [("y", "bigint")]}))
    assert after is not first
    assert [u.name for u in after.unknowns] == ["x"]


def test_a_what_if_about_another_table_does_not() -> None:
    cache = ReadingCache()
    assert read(cache, Changed(CATALOG, {"d.b": []})) is read(cache, CATALOG)


def test_going_back_after_a_what_if_finds_the_first_reading() -> None:
    cache = ReadingCache()
    first = read(cache, CATALOG)
    read(cache, Changed(CATALOG, {"d.a": [("y", "bigint")]}))
    assert read(cache, CATALOG) is first
