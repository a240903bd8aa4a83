"""Draws results in a terminal: one function per kind of result, in `DRAWERS`.

It works from `to_dict()` data alone, so that what people read is what programs get. Colour only repeats what words say.
It must not know commands or streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from ui.verdicts import (
    KINDS,
    cell,
    change_title,
    clean,
    count,
    coverage_lines,
    extent,
    grouped,
    origins,
    remarks,
    size,
    window_text,
)

__all__ = ["DRAWERS", "draw", "grid"]

Data = Mapping[str, Any]
Drawer = Callable[[Data], Iterator[RenderableType]]

MOST_EXPRESSION = 100  # characters
TONES = {"bad": "bold red", "warn": "yellow", "change": "magenta", "unsure": "cyan", "fine": "green"}
SEVERITIES = {"high": "bold red", "medium": "bold yellow", "low": "bold green"}


def draw(kind: str, data: Data) -> Iterable[RenderableType]:
    """The parts of a result, top to bottom; a kind without a drawer of its own is shown as its keys and values."""
    return DRAWERS.get(kind, _fields)(data)


def plain(text: object) -> Text:
    """Text of a result without Markdown's backticks, never read as markup."""
    return Text(clean(text).replace("`", ""), overflow="fold")


def grid(rows: Iterable[Sequence[RenderableType]], heads: Sequence[str] = (), indent: int = 2) -> Padding:
    """Aligned columns without lines; long names are folded, never cut. Heads that are numbers' names end in `#`."""
    table = Table(box=None, show_header=bool(heads), padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    rows = [[c if isinstance(c, Text) else plain(c) for c in row] for row in rows]
    for place in range(max((len(r) for r in rows), default=0)):
        head = heads[place] if heads else ""
        table.add_column(head.rstrip("#"), justify="right" if head.endswith("#") else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return Padding(table, (0, 0, 0, indent), expand=False)


# --------------------------------------------------------------------------- impact


def _impact(data: Data) -> Iterator[RenderableType]:
    severity = clean(data["severity"])
    yield Text(change_title(data["change"]), style="bold")
    yield Text.assemble((severity.upper(), SEVERITIES.get(severity, "bold")), f"  {plain(data['severity_reason'])}")
    yield from (plain(note) for note in data["assumptions"])
    for verdict, items in grouped(data["items"]):
        yield Text(f"\n{verdict.title.capitalize()}", style=TONES[verdict.tone])
        yield _items(items)
    if data["writers"]:
        yield Text("\nHas to be edited with it", style="bold")
        yield _items(data["writers"])
    yield from _foot(data)


def _report(data: Data) -> Iterator[RenderableType]:
    severity = clean(data["severity"])
    yield Text.assemble(
        (severity.upper(), SEVERITIES.get(severity, "bold")), f"  {plain(data['verdict'])}", overflow="fold"
    )
    if data["causes"]:
        yield Text("\nWhat changed", style="bold")
        for cause in data["causes"]:
            places = dict.fromkeys(p for p in (cause["old_place"], cause["new_place"]) if p)
            yield grid([[plain(cause["text"])], *([[Text(clean(p), style="dim")] for p in places])])
    for verdict, items in grouped(data["items"]):
        yield Text(f"\n{verdict.title.capitalize()}", style=TONES[verdict.tone])
        yield _items(items)
    if not data["items"] and data["feeds"]:
        yield Text("\nDownstream of it, not reached", style="bold")
        yield grid([[_kind(f["kind"]), plain(f["name"])] for f in data["feeds"]])
    yield from _actions(data["actions"])
    yield from _foot(data)


def _actions(actions: Data) -> Iterator[RenderableType]:
    if actions["fixes"]:
        yield Text("\nTo do, in this order", style="bold")
        yield grid([[str(n), plain(f["name"]), plain(f["what"])] for n, f in enumerate(actions["fixes"], 1)])
    if actions["tell"]:
        yield Text("\nTell", style="bold")
        yield grid([[plain(owner), plain(", ".join(names))] for owner, names in actions["tell"].items()])


def _items(items: Iterable[Data]) -> RenderableType:
    rows: list[list[RenderableType]] = []
    for item in items:
        entries = [e for e in item["evidence"] if e.get("detail") == item["name"]]
        files = "".join(f" ({clean(e['where'])})" for e in entries)
        rows.append([_kind(item["kind"]), plain(item["name"]), plain(item["reason"]).append(files, style="dim")])
        rows += [["", "", _place(e)] for e in item["evidence"] if e not in entries]
    return grid(rows)


def _kind(kind: str) -> Text:
    return Text(KINDS.get(kind, (kind, ""))[0], style="dim")


def _place(evidence: Data) -> Text:
    detail = clean(evidence.get("detail"))
    return Text(f"{clean(evidence['where'])}  {detail}".rstrip(), style="dim", overflow="fold")


# --------------------------------------------------------------------------- lineage


def _lineage(data: Data) -> Iterator[RenderableType]:
    asset, way = data["asset"], clean(data["direction"])
    reached = [n for n in data["nodes"] if n["id"] != asset["id"]]
    only = data.get("only")
    shown = [n for n in reached if only is None or n["kind"] == only]
    parts = [count(n, k) for k in KINDS if (n := sum(r["kind"] == k for r in shown))]
    said = f"{', '.join(parts)} {way} of" if parts else f"nothing {way} of"
    yield Text.assemble(
        (clean(asset["name"]), "bold"), f"  {said[:1].upper()}{said[1:]} it, as far as the code could be read"
    )
    if only:
        yield grid([[_kind(n["kind"]), plain(n["name"]), f"{n['depth']} away"] for n in shown])
    elif reached:
        yield Text("")
        yield _tree(data)
    if data.get("deciding"):
        yield Text("\nDecides about its rows", style="bold")
        rows = [
            [plain(e["from"].partition(":")[2]), plain(e["role"].replace("_", " ")), _at(e)] for e in data["deciding"]
        ]
        yield grid(rows)
    yield from _foot(data)


def _tree(data: Data) -> Tree:
    """The walk as a tree. What was shown already is not unfolded again: it is as long as there are edges."""
    up = data["direction"] == "upstream"
    nodes = {n["id"]: n for n in data["nodes"]}
    beyond: dict[str, list[tuple[str, Data]]] = {}
    for edge in data["edges"]:
        here, there = (edge["to"], edge["from"]) if up else (edge["from"], edge["to"])
        beyond.setdefault(here, []).append((there, edge))
    root = data["asset"]["id"]
    tree = Tree(_leaf(nodes[root], None), guide_style="dim")
    seen = {root}
    waiting = [(root, tree)]
    while waiting:
        here, branch = waiting.pop(0)
        for there, edge in beyond.get(here, ()):
            again = there in seen
            leaf = branch.add(_leaf(nodes[there], edge, again=again and there in beyond))
            if not again:
                seen.add(there)
                waiting.append((there, leaf))
    return tree


def _leaf(node: Data, edge: Data | None, *, again: bool = False) -> Text:
    text = Text.assemble((f"{KINDS.get(node['kind'], (node['kind'], ''))[0]} ", "dim"), clean(node["name"]))
    if edge and edge.get("role"):
        text.append(f"  {clean(edge['role']).replace('_', ' ')}", style="dim")
    if edge and edge.get("file"):
        place = f"{edge['file']}:{edge['line']}" if edge.get("line") else edge["file"]
        text.append(f"  {clean(place)}", style="dim")
    if edge and edge.get("expression"):
        text.append(f"  {_short(edge['expression'])}", style="dim")
    if again:
        text.append("  (unfolded elsewhere)", style="dim italic")
    return text


def _short(expression: object) -> str:
    """An expression in one line, its end left out where it is a page long; the file and line are beside it."""
    text = " ".join(clean(expression).split())
    return text if len(text) <= MOST_EXPRESSION else f"{text[:MOST_EXPRESSION].rstrip()} …"


# --------------------------------------------------------------------------- lists


def _assets(data: Data) -> Iterator[RenderableType]:
    assets = data["assets"]
    if not assets:
        looked = f" matching {clean(data['filter'])!r}" if data.get("filter") else ""
        yield Text(f"Nothing here{looked}.")
        return
    yield grid([[_kind(a["kind"]), plain(a["name"])] for a in assets], indent=0)


def _job(data: Data) -> Iterator[RenderableType]:
    yield Text.assemble((clean(data["job"]), "bold"), f"  {clean(data['language'])}  {clean(data['file'])}")
    if data.get("description"):
        yield Padding(plain(data["description"]), (0, 0, 0, 2))
    ends = (("reads", "reads"), ("writes", "writes"), ("read after by", "read_after"))
    yield grid([[Text(said, style="dim"), plain(", ".join(data[key]) or "nothing known")] for said, key in ends])
    if data["steps"]:
        yield Text("\nOn the way", style="bold")
        yield grid([[s["what"], s["text"], _at(s)] for s in data["steps"]])
    if data["columns"]:
        yield Text("\nColumns", style="bold")
        yield grid([_job_column(c) for c in data["columns"]], ("column", "from", "as", ""))
    yield from _unknowns([_unread(u) for u in data["unknowns"]])


def _job_column(column: Data) -> list[RenderableType]:
    return [plain(column["column"]), plain(origins(column)), plain(_short(column["expression"])), _at(column)]


def _at(thing: Data) -> Text:
    return Text(f"{clean(thing['file'])}:{thing['line']}" if thing.get("line") else "", style="dim", overflow="fold")


def _unread(unknown: Data) -> str:
    return f"{_at(unknown)}: {unknown['reason']}" if unknown.get("line") else str(unknown["reason"])


# --------------------------------------------------------------------------- what is kept


def _history(data: Data) -> Iterator[RenderableType]:
    entries = data["snapshots"]
    yield Text.assemble((clean(data["object_name"]), "bold"), f"  {count(len(entries), 'snapshot')} kept")
    if not entries:
        yield Text("de-copilot snapshot keeps one.", style="dim")
    rows = [[Text(clean(e["taken_at"]), style="dim"), plain("; ".join(e["changes"]) or "first seen")] for e in entries]
    yield grid(rows)


def _snapshots(data: Data) -> Iterator[RenderableType]:
    yield Text(f"{count(len(data['jobs']), 'job')} kept")
    rows = [("new or changed", "changed"), ("no longer in the lake", "retired")]
    yield grid([[Text(said, style="dim"), plain(", ".join(data[key]) or "none")] for said, key in rows])


def _import(data: Data) -> Iterator[RenderableType]:
    yield Text(f"{count(len(data['jobs']), 'job')} kept from {clean(data['form'])} ({clean(data['source'])})")
    rows = [("jobs", "jobs"), ("merged with their scripts", "merged"), ("dashboards", "dashboards")]
    yield grid([[Text(said, style="dim"), plain(", ".join(data[key]) or "none")] for said, key in rows])
    if data["conflicts"]:
        yield Text("\nCode and runs differ", style="bold")
        yield grid([[plain(job), plain(said)] for job, found in data["conflicts"].items() for said in found])
    yield from _unknowns(data["unknowns"])


# --------------------------------------------------------------------------- tables


def _schema(data: Data) -> Iterator[RenderableType]:
    name = f"{clean(data['database'])}.{clean(data['table'])}"
    yield Text.assemble((name, "bold"), f"  {clean(data['kind'])}, {clean(data.get('format') or '')}  {extent(data)}")
    if data.get("description"):
        yield Padding(plain(data["description"]), (0, 0, 0, 2))
    rows = [
        [plain(c["name"]), plain(c["type"]), Text(remarks(c), style="dim"), plain(c.get("comment"))]
        for c in data["columns"]
    ]
    yield grid(rows, ("column", "type", "", "comment"))


def _stats(data: Data) -> Iterator[RenderableType]:
    days = window_text(data.get("window"))
    total = "rows not known" if data["rows"] is None else count(data["rows"], "row")
    yield Text.assemble((clean(data["table"]), "bold"), f"  {total}{'  ' if days else ''}{days}")
    rows: list[list[RenderableType]] = [
        [plain(c["name"]), plain(c["type"]), *(cell(c[key]) for key in ("nulls", "distinct", "mean", "min", "max"))]
        for c in data["columns"]
    ]
    yield grid(rows, ("column", "type", "nulls#", "distinct#", "mean#", "min", "max"))
    scanned = f"{size(data['bytes_scanned'])} scanned; distinct counts are estimates"
    if data["sql"] is None:
        scanned = f"nothing scanned; from {clean(', '.join(data['sources']))}"
    yield Text(f"\n{scanned}", style="dim")
    yield from _unknowns(data.get("unknowns", ()))


def _query(data: Data) -> Iterator[RenderableType]:
    heads = [
        f"{name}#" if _is_number(kind) else name for name, kind in zip(data["columns"], data["types"], strict=True)
    ]
    yield grid([["NULL" if value is None else plain(value) for value in row] for row in data["rows"]], heads, indent=0)
    fetched = f"{'more than ' if data['more'] else ''}{count(data['fetched'], 'row')}"
    yield Text(f"\n{fetched}, {size(data['bytes_scanned'])} scanned, query {clean(data['query_id'])}", style="dim")


def _is_number(kind: str) -> bool:
    return kind.partition("(")[0].lower() in (
        "bigint",
        "integer",
        "int",
        "smallint",
        "tinyint",
        "double",
        "real",
        "decimal",
    )


# --------------------------------------------------------------------------- the end of an answer


def _foot(data: Data) -> Iterator[RenderableType]:
    lines = coverage_lines(data.get("coverage", {}))
    if lines:
        yield Text(f"\nCoverage: {'; '.join(lines)}", style="dim", overflow="fold")
    yield from _unknowns(data.get("unknowns", ()))


def _unknowns(unknowns: Sequence[object]) -> Iterator[RenderableType]:
    if unknowns:
        yield Text("\nNot known", style="bold")
        yield grid([[plain(u)] for u in unknowns])


def _fields(data: Data) -> Iterator[RenderableType]:
    yield grid([[Text(clean(key), style="dim"), plain(value)] for key, value in data.items()], indent=0)


DRAWERS: Mapping[str, Drawer] = {
    "impact": _impact,
    "impact_report": _report,
    "lineage": _lineage,
    "assets": _assets,
    "job": _job,
    "history": _history,
    "import": _import,
    "snapshots": _snapshots,
    "schema": _schema,
    "stats": _stats,
    "query": _query,
}
