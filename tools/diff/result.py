"""What a comparison of two versions of a job says: whether anything means something else, what, why, and for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tools.diff.search import Counterexample
from tools.plan.base import Span
from tools.result import Evidence, counted, listed

__all__ = ["Difference", "DifferenceKind", "JobDiff", "Verdict"]

Verdict = Literal["same", "changed", "undecided"]
DifferenceKind = Literal[
    "input_added",
    "input_removed",
    "column_added",
    "column_removed",
    "column_renamed",
    "column_retyped",
    "filter_changed",
    "join_changed",
    "grain_changed",
    "expression_changed",
    "mode_changed",
    "output_added",
    "output_removed",
]
_WORDS: dict[str, str] = {
    "input_added": "reads {name} now",
    "input_removed": "no longer reads {name}",
    "column_added": "writes a new column {name}",
    "column_removed": "no longer writes {name}",
    "column_renamed": "{name} is called {to} now",
    "column_retyped": "{name} changes its type",
    "filter_changed": "keeps other rows",
    "join_changed": "joins otherwise",
    "grain_changed": "one row stands for something else",
    "expression_changed": "{name} is computed otherwise",
    "mode_changed": "stores its rows otherwise",
    "output_added": "writes {name} now",
    "output_removed": "no longer writes {name}",
}


@dataclass(frozen=True)
class Difference:
    """One edited clause. `before` and `after` are how the versions word it, with their places."""

    kind: DifferenceKind
    table: str
    name: str = ""
    to: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    before_at: Span | None = None
    after_at: Span | None = None

    @property
    def label(self) -> str:
        """`filter_changed`, `column_removed:total`, `column_renamed:a->b`."""
        return (
            f"{self.kind}:{self.name}->{self.to}" if self.to else f"{self.kind}:{self.name}" if self.name else self.kind
        )

    def words(self) -> str:
        """In a phrase, with what it was and what it is."""
        said = _WORDS[self.kind].format(name=f"`{self.name}`", to=f"`{self.to}`")
        parts = []
        if self.before:
            parts.append(f"was {listed(self.before, 4)}{_at(self.before_at)}")
        if self.after:
            parts.append(f"is {listed(self.after, 4)}{_at(self.after_at)}")
        return f"{said}: {', '.join(parts)}" if parts else f"{said}{_at(self.after_at or self.before_at)}"

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        data = {
            "kind": self.kind,
            "table": self.table,
            "name": self.name or None,
            "to": self.to or None,
            "before": list(self.before),
            "after": list(self.after),
            "before_at": str(self.before_at) if self.before_at else None,
            "after_at": str(self.after_at) if self.after_at else None,
        }
        return {k: v for k, v in data.items() if v not in (None, [])}


@dataclass(frozen=True)
class JobDiff:
    """Two versions of a job compared.

    Attributes:
        verdict: `same` is proven; `changed` is shown by a clause of the schema, a counterexample or the code; what is
            neither is `undecided`, with the reasons.
        breaking: whether columns that were there go, or hold other values; None when that is not known.
        changed_columns: by table, columns whose values change; every column where rows or their meaning do.
        rows_change: whether there are other rows, or more or fewer of them, and not just other values in them.
        reordered: whether a query gives its rows in another order; tables have none.
        databases: how many generated databases were tried without finding a difference.
    """

    kind = "diff"
    job: str
    old: str
    new: str
    verdict: Verdict
    differences: tuple[Difference, ...]
    breaking: bool | None
    changed_columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    example: Counterexample | None = None
    databases: int = 0
    reasons: tuple[str, ...] = ()
    rows_change: bool = False
    reordered: bool = False

    @property
    def labels(self) -> frozenset[str]:
        """The differences as labels; `no_semantic_change` when it is proven that there is none."""
        return frozenset({"no_semantic_change"} if self.verdict == "same" else {d.label for d in self.differences})

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The lines of both versions."""
        found = []
        for difference in self.differences:
            for span, said in ((difference.before_at, difference.before), (difference.after_at, difference.after)):
                if span is not None:
                    found.append(Evidence("code", str(span), "; ".join(said) or difference.kind))
        return tuple(dict.fromkeys(found)) or (Evidence("code", self.old), Evidence("code", self.new))

    @property
    def unknowns(self) -> Sequence[str]:
        """Why something could not be decided."""
        return self.reasons

    def text(self) -> str:
        """The verdict first, then each edited clause, then rows that show it."""
        parts = [self._first()]
        if self.differences:
            parts.append("\n".join(f"- {d.words()}" for d in self.differences))
        if self.example is not None:
            parts.append(_example(self.example))
        if self.verdict == "undecided":
            parts.append("Not decided: " + "; ".join(self.reasons) + ".")
        return "\n\n".join(parts)

    def _first(self) -> str:
        name = f"`{self.job}`"
        if self.verdict == "same":
            return (
                f"{name}: no semantic change. Both versions give the same rows on any data: joins, filters, grain and "
                f"expressions, however they are written, come to the same{', in another order' if self.reordered else ''}."
            )
        if self.verdict == "undecided":
            tried = f" {counted(self.databases, 'generated database')} showed no difference." if self.databases else ""
            return f"{name}: whether anything changes could not be decided.{tried}"
        breaking = {
            True: "columns that are read today go, or hold other values",
            False: "columns that are read today stay as they are",
            None: "whether columns that are read today keep their values is not known",
        }[self.breaking]
        return f"{name} changed in {counted(len(self.differences), 'way')}: {breaking}."

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "job": self.job,
            "old": self.old,
            "new": self.new,
            "verdict": self.verdict,
            "breaking": self.breaking,
            "differences": [d.to_dict() for d in self.differences],
            "rows_change": self.rows_change,
            "reordered": self.reordered,
            "changed_columns": {t: list(c) for t, c in self.changed_columns.items()},
            "counterexample": self.example.to_dict() if self.example else None,
            "databases_tried": self.databases,
            "unknowns": list(self.reasons),
        }


def _at(span: Span | None) -> str:
    return f" ({span})" if span else ""


def _example(example: Counterexample) -> str:
    data = example.to_dict()
    lines = ["For example, on these rows:"]
    lines += [f"- `{table}`: {_rows(rows)}" for table, rows in data["tables"].items()]
    counts = [f" ({counted(n, 'row')} in all)" if len(set(example.counts)) > 1 else "" for n in example.counts]
    told = _telling(example)
    lines.append(f"- before: {_rows(data['only_old'], told) or 'no such row'}{counts[0]}")
    lines.append(f"- after: {_rows(data['only_new'], told) or 'no such row'}{counts[1]}")
    return "\n".join(lines)


_WIDE = 8


def _telling(example: Counterexample) -> frozenset[str]:
    """Columns of a wide row that show the difference; empty for all."""
    names = list(next(iter((*example.only_old, *example.only_new)), {}))
    if len(names) <= _WIDE:
        return frozenset()
    differ = [n for n in names if n in example.columns]
    return frozenset((differ if 0 < len(differ) <= _WIDE else names)[:_WIDE])


def _rows(rows: Sequence[dict[str, Any]], only: frozenset[str] = frozenset()) -> str:
    shown = []
    for row in rows[:4]:
        kept = {k: v for k, v in row.items() if not only or k in only}
        more = [f"{counted(len(row) - len(kept), 'more column')}"] if len(kept) < len(row) else []
        cells = [f"{k} = {'NULL' if v is None else repr(v)}" for k, v in kept.items()]
        shown.append(f"({', '.join([*cells, *more])})")
    left = len(rows) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left > 0 else "")
