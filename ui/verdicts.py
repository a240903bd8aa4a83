"""The words every face uses for a result: verdicts, kinds, severities, counts, coverage.

It reads what `to_dict()` of a result carries and turns it into plain strings. It must not know how anything is drawn,
and it computes no fact: whatever is not in the data is not said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "KINDS",
    "VERDICTS",
    "Verdict",
    "cell",
    "change_title",
    "clean",
    "count",
    "coverage_lines",
    "extent",
    "grouped",
    "origins",
    "remarks",
    "size",
    "verdict",
    "window_text",
]

Tone = Literal["bad", "warn", "change", "unsure", "fine"]
Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a change does to one thing: the key in the data, the words for it, how alarming it is."""

    key: str
    title: str
    meaning: str
    tone: Tone


VERDICTS: tuple[Verdict, ...] = (
    Verdict("breaks", "breaks", "a name in it no longer exists", "bad"),
    Verdict("stale", "goes stale", "it reads what is no longer refreshed", "warn"),
    Verdict("unexpected", "does not expect it", "its code leaves the value out or lets it fall through", "warn"),
    Verdict("values_change", "values change", "it still runs, on other values or rows", "change"),
    Verdict("no_reader", "has no reader left", "only what is removed used it", "change"),
    Verdict("may_be_affected", "may be affected", "not enough is known of it", "unsure"),
    Verdict("not_affected", "not affected", "it uses nothing of what changes", "fine"),
)
_BY_KEY = {v.key: v for v in VERDICTS}

KINDS: Mapping[str, tuple[str, str]] = {
    "job": ("job", "jobs"),
    "table": ("table", "tables"),
    "dashboard": ("dashboard", "dashboards"),
    "kpi": ("KPI", "KPIs"),
    "column": ("column", "columns"),
}

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: object) -> str:
    """Text out of a lake, fit to be shown: without terminal escapes and marks that turn the reading direction."""
    return _CONTROL.sub("", "" if text is None else str(text))


def verdict(key: str) -> Verdict:
    """The verdict of that key; one that this version does not know keeps its own name."""
    return _BY_KEY.get(key) or Verdict(key, key.replace("_", " "), "", "unsure")


def count(number: int, kind: str) -> str:
    """A number of things of one kind: "1 job", "3 KPIs"."""
    one, many = KINDS.get(kind, (kind, f"{kind}s"))
    return f"{number:,} {one if number == 1 else many}"


def grouped(items: Iterable[Data]) -> list[tuple[Verdict, list[Data]]]:
    """Items of an impact by verdict, worst first, each in its own order; verdicts without items are left out."""
    groups: dict[str, list[Data]] = {v.key: [] for v in VERDICTS}
    for item in items:
        groups.setdefault(str(item["verdict"]), []).append(item)
    return [(verdict(key), members) for key, members in groups.items() if members]


def change_title(change: Data) -> str:
    """The change in words, as a title: "Dropping dim_product.product_group"."""
    text = clean(change.get("text") or change.get("kind") or "the change").replace("`", "")
    return text[:1].upper() + text[1:]


def coverage_lines(coverage: Data) -> list[str]:
    """What an answer rests on, one statement per line; empty when the data says nothing of it."""
    if not coverage:
        return []
    total = int(coverage.get("jobs_total", 0))
    lines = [f"{coverage.get('jobs_read', 0)} of {count(total, 'job')} read"]
    lines += [f"not readable: {clean(u['job'])} ({clean(u['reason'])})" for u in coverage.get("unreadable", ())]
    partly = [clean(u["job"]) for u in coverage.get("partly_read", ())]
    if partly:
        lines.append(f"read in part: {', '.join(partly)}")
    if coverage.get("kept_since"):
        lines.append(f"as kept, the oldest record of {clean(coverage['kept_since'])}")
    by_table = [clean(name) for name in coverage.get("table_level_only", ())]
    if by_table:
        lines.append(f"known only at table level: {', '.join(by_table)}")
    return lines


def origins(column: Data) -> str:
    """Where a written column of a job gets its values: source columns, and those that only decide."""
    values = [_origin(*pair) for pair in column["sources"]]
    deciding = [name for pair in column.get("decided_by", ()) if (name := _origin(*pair)) not in values]
    decided = [f"decided by {', '.join(deciding)}"] if deciding else []
    return ", ".join([*values, *decided]) or "a constant"


def _origin(table: str, column: str) -> str:
    return clean(f"{table.rpartition('.')[2] if '/' not in table else table}.{column}")


def size(number: int | None) -> str:
    """Bytes for people: "12 kB", "3.4 MB"; powers of ten, as S3 bills."""
    value, unit = float(number or 0), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"


def extent(data: Data) -> str:
    """How much a table holds: "59,400 rows · 12 MB in 86 files · 86 partitions, 2026-07-24 to 2026-11-20"."""
    rows = data.get("rows")
    said = [count(rows, "row")] if rows is not None else []
    said.append(f"{size(data.get('bytes'))} in {count(data.get('files') or 0, 'file')}")
    if data.get("partitions"):
        first, last = (_partition(data.get(end)) for end in ("first_partition", "last_partition"))
        span = f", {first} to {last}" if first != last else f", {first}"
        said.append(count(data["partitions"], "partition") + (span if first else ""))
    return " · ".join(said)


def remarks(column: Data) -> str:
    """What is particular about a column of a schema."""
    said = {"partition": column["is_partition"], "not null": column["nullable"] is False}
    return ", ".join(word for word, holds in said.items() if holds)


def window_text(window: Data | None) -> str:
    """The days that figures are of: "2026-11-12 to 2026-11-20, 7 of 86 days"; empty for all of them."""
    if not window:
        return ""
    return f"{clean(window['first'])} to {clean(window['last'])}, {window['days']} of {window['of']} days"


def _partition(values: Data | None) -> str:
    return clean("/".join(map(str, (values or {}).values())))


def cell(value: object) -> str:
    """A value of the data for people: numbers with separators, nothing for what is not there."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else clean(value)
