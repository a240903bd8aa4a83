"""`na`: filling, dropping and replacing missing values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from tools.jobs.pyspark.column import literal, method
from tools.jobs.pyspark.frame import Entry, Frame, kept, projected
from tools.jobs.pyspark.names import RestName
from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, Bound, Host, Native, Undecided, Value
from tools.plan.base import Attribute
from tools.plan.model import Filter, Item
from tools.plan.references import ref
from tools.plan.relation import AmbiguousName, Unresolved

_NUMBERS = ("int", "bigint", "double", "float", "decimal", "smallint", "tinyint", "real", "integer")
_TEXTS = ("string", "varchar", "char")


@dataclass(eq=False, frozen=True, slots=True)
class Missing(Host):
    """`df.na`."""

    frame: Frame

    def attribute(self, name: str, site: Site) -> Value:
        """`fill`, `drop`, `replace`."""
        found = {"fill": fill, "drop": drop, "replace": replace}.get(name)
        if found is None:
            return NOTHING
        return Bound(METHODS[{"fill": "fillna", "drop": "dropna", "replace": "replace"}[name]], self.frame)


def fill(site: Site, frame: Frame, value: Value, subset: Value) -> Value:
    """`fillna(value, subset)`: NULLs of columns of the value's type become the value."""
    if isinstance(value, dict):
        fills = {str(text_of(k)).lower(): v for k, v in value.items() if not isinstance(k, RestName)}
        return _edited(frame, lambda a: fills.get(a.name.lower(), NOTHING), list(fills), site, _filled)
    names = _names(subset, site)
    wanted = {n.lower() for n in names} if names is not None else None

    def chosen(attribute: Attribute) -> Value:
        if wanted is not None and attribute.name.lower() not in wanted:
            return NOTHING
        return value if _fits(attribute.type, value) else NOTHING

    return _edited(frame, chosen, names or [], site, _filled)


def _filled(attribute: Attribute, value: Value, site: Site) -> exp.Expr:
    return exp.Coalesce(this=ref(attribute, site.span), expressions=[literal(value, site).expression])


def _fits(type_text: str | None, value: Value) -> bool:
    if type_text is None or isinstance(value, Undecided):
        return True
    if isinstance(value, bool):
        return type_text.lower().startswith("bool")
    if isinstance(value, int | float):
        return type_text.lower().startswith(_NUMBERS)
    return type_text.lower().startswith(_TEXTS)


def drop(site: Site, frame: Frame, how: Value, thresh: Value, subset: Value) -> Value:
    """`dropna(how, thresh, subset)`."""
    if isinstance(how, list | tuple):
        how, subset = "any", how
    names = _names(subset, site)
    if names is None:
        columns = frame.relation.shown
    else:
        columns = [a for a in (_find(frame, n, site) for n in names) if a is not None]
    if not columns:
        return frame
    tests: list[exp.Expr] = [exp.Not(this=exp.Is(this=ref(a, site.span), expression=exp.Null())) for a in columns]
    if isinstance(thresh, int):
        predicate: exp.Expr = exp.Anonymous(
            this="AT_LEAST_N_NON_NULLS", expressions=[ref(a, site.span) for a in columns]
        )
    else:
        predicate = (exp.or_ if how == "all" else exp.and_)(*tests, copy=False)
    return frame.on(Filter(frame.op, predicate, span=site.span))


def replace(site: Site, frame: Frame, old: Value, new: Value, subset: Value) -> Value:
    """`replace(old, new, subset)`."""
    names = _names(subset, site)
    wanted = {n.lower() for n in names} if names is not None else None
    pairs = list(old.items()) if isinstance(old, dict) else [(old, new)]

    def chosen(attribute: Attribute) -> Value:
        return pairs if wanted is None or attribute.name.lower() in wanted else NOTHING

    return _edited(frame, chosen, names or [], site, _swapped)


def _swapped(attribute: Attribute, pairs: Value, site: Site) -> exp.Expr:
    assert isinstance(pairs, list)
    leaf = ref(attribute, site.span)
    ifs = []
    for old, new in pairs:
        olds = old if isinstance(old, list | tuple) else [old]
        test = exp.In(this=leaf.copy(), expressions=[literal(o, site).expression for o in olds])
        value = new[0] if isinstance(new, list | tuple) and new else new
        ifs.append(exp.If(this=test, true=literal(value, site).expression))
    return exp.Case(ifs=ifs, default=leaf)


def _edited(
    frame: Frame,
    chosen: Callable[[Attribute], Value],
    names: list[str],
    site: Site,
    edit: Callable[[Attribute, Value, Site], exp.Expr],
) -> Frame:
    for name in names:
        _find(frame, name, site, quiet=True)
    entries: list[Entry] = []
    for visible in frame.visible:
        value = chosen(visible.attribute) if not visible.hidden else NOTHING
        if value is NOTHING:
            entries.append(kept(visible))
            continue
        made = site.session.ids.attribute(visible.attribute.name, visible.attribute.type)
        entries.append(Entry(Item(made, edit(visible.attribute, value, site), site.span)))
    from tools.jobs.pyspark.frame import without

    edited = [e.item.attribute.name for e in entries if not e.item.is_pass_through]
    return projected(frame, entries, without(frame.relation.open, edited), site.span)


def _names(subset: Value, site: Site) -> list[str] | None:
    if subset is None:
        return None
    values = list(subset) if isinstance(subset, list | tuple | set) else [subset]
    return [t for t in (text_of(v) for v in values if not isinstance(v, RestName)) if t]


def _find(frame: Frame, name: str, site: Site, quiet: bool = False) -> Attribute | None:
    try:
        return frame.relation.resolve([name.strip("`")]).attribute
    except AmbiguousName as error:
        return error.candidates[0]
    except Unresolved:
        if not quiet:
            site.unknown(f"column {name} is not there", "column", name)
        return None


METHODS: dict[str, Native] = {
    "fillna": method(fill, "value", "subset="),
    "dropna": method(drop, "how=", "thresh=", "subset="),
    "replace": method(replace, "to_replace", "value=", "subset="),
}
