"""What a KPI's query gives: its day, its dimensions and its measures, found in the query itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from knowledge.errors import InputError
from tools.consumers import Consumer
from tools.jobs import JobReading
from tools.plan.base import ColumnId
from tools.plan.model import Aggregate, Project, Rebase
from tools.plan.references import is_ref, ref_id
from tools.plan.whole import Write, walk
from tools.result import listed

__all__ = ["KpiDefinition", "define"]

_DAYS = ("date", "timestamp")
_DAY_NAMES = ("day", "date", "dt", "ds", "as_of_date", "business_date", "report_date", "snapshot_date")
_TEXTS = ("varchar", "char", "boolean")


@dataclass(frozen=True)
class KpiDefinition:
    """A KPI as it is simulated. `tolerance` is the difference that is taken for none, relative to the value."""

    name: str
    reading: JobReading
    day: str
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    unit: str | None = None
    owner: str | None = None
    tolerance: float = 1e-9
    notes: tuple[str, ...] = ()

    @property
    def write(self) -> Write:
        """The query."""
        return self.reading.plan.writes[0]


def define(kpi: Consumer) -> KpiDefinition:
    """A KPI's definition.

    Raises:
        InputError: its SQL cannot be read, or it has no day, several, or no measure; says which and what to state.
    """
    reading = kpi.reading
    where = f"{kpi.file} ({kpi.name})"
    if reading is None or len(reading.plan.writes) != 1:
        raise InputError(f"the KPI {kpi.name} has no single query that can be read", where=where)
    write = reading.plan.writes[0]
    if write.carries:
        raise InputError(f"the columns of the KPI {kpi.name} are not all known", where=where)
    extra = kpi.record.to_dict()
    columns = {a.column: a for a in write.assignments}
    day = _day(kpi.name, where, extra.get("date_column"), _types(write))
    keys = _keys(write)
    others = [c for c in columns if c != day]
    stated = extra.get("dimensions")
    dimensions = [c for c in others if (c in stated if isinstance(stated, list) else _is_dimension(c, write, keys))]
    measures = [c for c in others if c not in dimensions]
    if not measures:
        raise InputError(f"the KPI {kpi.name} has no measure beside its day and dimensions", where=where)
    return KpiDefinition(
        kpi.name,
        reading,
        day,
        tuple(dimensions),
        tuple(measures),
        _text(extra.get("unit")),
        _text(extra.get("owner")),
        float(extra.get("tolerance", 1e-9)),
        _differences(kpi),
    )


def _differences(kpi: Consumer) -> tuple[str, ...]:
    """Where `depends_on_tables` and the query disagree."""
    declared, read = set(kpi.declared_tables), set(kpi.reading.reads if kpi.reading else ())
    found = []
    if declared - read and declared:
        found.append(f"{kpi.name} declares {listed(sorted(declared - read))}, which its query does not read")
    if declared and read - declared:
        found.append(f"{kpi.name} reads {listed(sorted(read - declared))} without declaring it")
    return tuple(found)


def _types(write: Write) -> dict[str, str | None]:
    output = {a.id: a.type for a in write.source.output}
    found: dict[str, str | None] = {}
    for assignment in write.assignments:
        value = assignment.expressions[0]
        kind = output.get(ref_id(value)) if is_ref(value) else None
        if kind is None and value.type and not value.type.is_type("unknown"):
            kind = value.type.sql("athena").lower()
        found[assignment.column] = kind
    return found


def _day(name: str, where: str, stated: Any, types: dict[str, str | None]) -> str:
    if isinstance(stated, str):
        found = next((c for c in types if c.lower() == stated.lower()), None)
        if found is None:
            raise InputError(f"the KPI {name} has no column {stated!r} (date_column)", where=where)
        return found
    days = [c for c, t in types.items() if t is not None and t.startswith(_DAYS)]
    days = days or [c for c in types if c.lower() in _DAY_NAMES or c.lower().endswith(("_date", "_day"))]
    if len(days) != 1:
        hint = 'Say which column it is: "date_column": "…".'
        what = f"several ({listed(days)})" if days else "none"
        raise InputError(f"the KPI {name} needs one day column and has {what}", where=where, hint=hint)
    return days[0]


def _keys(write: Write) -> set[ColumnId] | None:
    """Ids of the outermost grouping's keys; None when nothing is grouped."""
    for op in reversed(list(walk(write.source))):
        if isinstance(op, Aggregate):
            return {k.attribute.id for k in op.keys}
    return None


def _is_dimension(column: str, write: Write, keys: set[ColumnId] | None) -> bool:
    value = next(a.expressions[0] for a in write.assignments if a.column == column)
    if keys is not None:
        return is_ref(value) and _behind(ref_id(value), write) in keys
    kind = _types(write).get(column)
    return kind is not None and kind.startswith(_TEXTS)


def _behind(column: ColumnId, write: Write) -> ColumnId:
    """The id behind renames."""
    made = {
        i.attribute.id: i.expression for op in walk(write.source) if isinstance(op, Project | Rebase) for i in op.items
    }
    seen: set[ColumnId] = set()
    while column in made and is_ref(made[column]) and column not in seen and ref_id(made[column]) != column:
        seen.add(column)
        column = ref_id(made[column])
    return column


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
