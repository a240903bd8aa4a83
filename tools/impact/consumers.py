"""The verdict on a dashboard or KPI, from what has become of the tables it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tools.consumers import Consumer
from tools.impact.rereading import Rereader
from tools.impact.result import ROLE_WORDS, ImpactItem, Verdict, short
from tools.impact.retyping import survives
from tools.impact.tables import TableState, wider
from tools.plan.lineage import Edge
from tools.result import Evidence, listed

Judgement = tuple[Verdict, str, tuple[str, ...], tuple[Evidence, ...]]


def judge(consumer: Consumer, tables: Mapping[str, TableState], rereader: Rereader) -> ImpactItem | None:
    """The item of a consumer; None when it reads nothing that is touched."""
    touched = {t: tables[t] for t in consumer.tables if t in tables and tables[t].touched}
    if not touched:
        return None
    verdict, reason, columns, evidence = _judgement(consumer, touched, rereader)
    return ImpactItem(consumer.kind, consumer.name, verdict, reason, columns, evidence)


def _judgement(consumer: Consumer, touched: Mapping[str, TableState], rereader: Rereader) -> Judgement:
    entry = Evidence("config", consumer.file, consumer.name)
    gone = [t for t, s in touched.items() if s.gone]
    if gone:
        return "breaks", f"reads {listed([short(t) for t in gone])}, which is gone", (), (entry,)
    lost = _lost_columns(consumer, touched, rereader)
    if lost:
        return (
            "breaks",
            f"names {listed(lost)}, which is gone",
            tuple(lost),
            (_consumer_proof(consumer, lost),),
        )
    refused = _refused(consumer, rereader)
    if refused:
        return "breaks", refused, (), (entry,)
    stale = [(t, s) for t, s in touched.items() if s.stale]
    if stale:
        table, state = stale[0]
        reason = f"reads `{short(table)}`, which goes stale: {state.stale}"
        doomed = _doomed_columns(consumer, touched)
        if doomed:
            origins = listed(list(dict.fromkeys(doomed.values())))
            reason += f"; shows {listed(list(doomed))}, computed from {origins}"
        return "stale", reason, tuple(doomed), (entry,)
    moved = _moved_columns(consumer, touched)
    if moved:
        return "values_change", f"uses {moved[0]}", tuple(moved), (entry,)
    rows = [(t, s) for t, s in touched.items() if s.rows]
    if rows:
        return (
            "values_change",
            f"reads `{short(rows[0][0])}`, whose rows differ: {rows[0][1].rows}",
            (),
            (entry,),
        )
    if consumer.level == "table":
        names = listed([short(t) for t in touched])
        return (
            "may_be_affected",
            f"uses {names}; which columns is not stated, so it is known only at table level",
            (),
            (entry,),
        )
    unsure = [s.unsure for s in touched.values() if s.unsure] + _widened(consumer, touched)
    if unsure:
        return "may_be_affected", str(unsure[0]), (), (entry,)
    return (
        "not_affected",
        f"reads {listed([short(t) for t in touched])} but nothing of what changes",
        (),
        (entry,),
    )


def _refused(consumer: Consumer, rereader: Rereader) -> str | None:
    """What the engine says of its query where types differ, and did not say before."""
    after = consumer.read_over(rereader.catalog())
    if consumer.reading is None or after is None:
        return None
    pairs = zip(*rereader.outcomes(consumer.reading, after), strict=False)
    return next((new.refused for old, new in pairs if old and new and new.refused and not old.refused), None)


def _widened(consumer: Consumer, touched: Mapping[str, TableState]) -> list[str]:
    """Why its rows might differ though the values compare as they did: a type is wider now."""
    edges: list[Edge] = consumer.reading.edges if consumer.reading is not None else []
    found = [
        e for e in edges if e.role != "value" and e.source in touched and e.source_column in touched[e.source].widened
    ]
    return [wider(f"{short(e.source)}.{e.source_column}") for e in found]


def _doomed_columns(consumer: Consumer, touched: Mapping[str, TableState]) -> dict[str, str]:
    """Columns it uses that were computed from what is gone, each with what that is."""
    edges = consumer.reading.edges if consumer.reading is not None else []
    used = [(e.source, e.source_column) for e in edges] + list(consumer.stated_columns)
    return {
        f"{short(t)}.{c}": touched[t].doomed[c.lower()]
        for t, c in used
        if t in touched and c.lower() in touched[t].doomed
    }


def _lost_columns(consumer: Consumer, touched: Mapping[str, TableState], rereader: Rereader) -> list[str]:
    stated = [f"{short(t)}.{c}" for t, c in consumer.stated_columns if t in touched and c.lower() in touched[t].lost]
    if consumer.reading is None:
        return stated
    after = consumer.read_over(rereader.catalog())
    failures = rereader.failures(consumer.reading, after or consumer.reading)
    return list(dict.fromkeys([*stated, *(str(u.name) for u in failures if u.kind != "expression")]))


def _consumer_proof(consumer: Consumer, lost: Sequence[str]) -> Evidence:
    return Evidence(
        "sql" if consumer.sql else "config",
        f"{consumer.file} ({consumer.name})",
        consumer.sql or ", ".join(lost),
    )


def _moved_columns(consumer: Consumer, touched: Mapping[str, TableState]) -> list[str]:
    edges: list[Edge] = consumer.reading.edges if consumer.reading is not None else []
    out = [
        f"`{short(e.source)}.{e.source_column}` {ROLE_WORDS[e.role]}"
        for e in edges
        if e.source in touched
        and touched[e.source].moves(e.source_column, e.role)
        and not (consumer.reading and survives(e, consumer.reading.plan, touched[e.source], None))
    ]
    out += [f"`{short(t)}.{c}`" for t, c in consumer.stated_columns if t in touched and c in touched[t].moved]
    return list(dict.fromkeys(out))
