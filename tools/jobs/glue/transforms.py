"""`awsglue.transforms`: classes with `apply`, each a DynamicFrame method under another name."""

from __future__ import annotations

from dataclasses import dataclass

from tools.jobs.glue.collection import Collection
from tools.jobs.glue.dynamic_frame import METHODS, DynamicFrame, dynamic
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.values import NOTHING, Bound, Host, Native, Value

# transform -> (DynamicFrame method, names of the arguments after the frame, in order)
_METHODS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ApplyMapping": ("apply_mapping", ("mappings",)),
    "SelectFields": ("select_fields", ("paths",)),
    "DropFields": ("drop_fields", ("paths",)),
    "RenameField": ("rename_field", ("old_name", "new_name")),
    "ResolveChoice": ("resolveChoice", ("specs", "choice")),
    "Filter": ("filter", ("f",)),
    "Map": ("map", ("f",)),
    "Relationalize": ("relationalize", ("staging_path", "name")),
    "Unnest": ("unnest", ()),
    "UnnestFrame": ("unnest", ()),
    "Unbox": ("unbox", ("path", "format")),
    "SplitFields": ("split_fields", ("paths", "name1", "name2")),
    "SplitRows": ("split_rows", ("comparison_dict", "name1", "name2")),
    "Spigot": ("spigot", ("path",)),
    "Repartition": ("repartition", ("num_partitions",)),
    "Coalesce": ("coalesce", ("num_partitions",)),
    "ErrorsAsDynamicFrame": ("fill_missing", ()),
    "DropNullFields": ("fill_missing", ()),
    "FillMissingValues": ("fill_missing", ()),
    "FindMatches": ("fill_missing", ()),
    "FindIncrementalMatches": ("fill_missing", ()),
    "DetectSensitiveData": ("fill_missing", ()),
    "EntityDetector": ("fill_missing", ()),
}
_RENAMED = {"old_name": "oldName", "new_name": "newName"}


@dataclass(eq=False, frozen=True, slots=True)
class Transform(Host):
    """A transform class; its instances are called as the class's `apply` is."""

    name: str

    def attribute(self, name: str, site: Site) -> Value:
        """`apply`."""
        if name == "apply":
            return Native(f"{self.name}.apply", lambda site, given, keywords: self._run(given, keywords, site))
        return NOTHING

    def call(self, arguments: Arguments, site: Site) -> Value:
        """`Transform()` makes an instance, `instance(frame, …)` runs it."""
        if not arguments.positional and not arguments.keywords:
            return self
        return self._run(arguments.positional, arguments.keywords, site)

    def _run(self, given: list[Value], keywords: dict[str, Value], site: Site) -> Value:
        special = _SPECIAL.get(self.name)
        if special is not None:
            return special(site, given, keywords)
        method, names = _METHODS[self.name]
        values = dict(zip(("frame", *names), given, strict=False))
        values.update(keywords)
        frame = dynamic(values.pop("frame", None), site)
        if frame is None:
            return site.undecided(f"{self.name} of a frame that could not be read")
        passed = {_RENAMED.get(k, k): v for k, v in values.items()}
        if self.name == "Relationalize":
            passed = {"root_table_name": passed.get("name"), "staging_path": passed.get("staging_path")}
        return site.interpreter.call(Bound(METHODS[method], frame), Arguments([], passed), site)


def _join(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    values = {**dict(zip(("frame1", "frame2", "keys1", "keys2"), given, strict=False)), **keywords}
    left = dynamic(values.get("frame1"), site)
    if left is None:
        return site.undecided("Join of a frame that could not be read")
    arguments = Arguments([values.get("keys1"), values.get("keys2"), values.get("frame2")])
    return site.interpreter.call(Bound(METHODS["join"], left), arguments, site)


def _union(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    values = {**dict(zip(("frame1", "frame2"), given, strict=False)), **keywords}
    left = dynamic(values.get("frame1"), site)
    if left is None:
        return site.undecided("Union of a frame that could not be read")
    return site.interpreter.call(Bound(METHODS["union"], left), Arguments([values.get("frame2")]), site)


def _select_from(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    values = {**dict(zip(("dfc", "key"), given, strict=False)), **keywords}
    collection = values.get("dfc")
    if isinstance(collection, Collection):
        return collection.item(values.get("key"), site)
    frame = dynamic(collection, site)
    return frame if frame is not None else site.undecided("a frame of a collection", collection)


def _map_to_collection(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    values = {**dict(zip(("dfc", "callable"), given, strict=False)), **keywords}
    collection = values.get("dfc")
    if isinstance(collection, Collection):
        return site.interpreter.call(collection.attribute("map", site), Arguments([values.get("callable")]), site)
    return site.undecided("a mapped collection", collection)


def _flat_map(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    values = {**dict(zip(("dfc", "BaseTransform", "frame_name"), given, strict=False)), **keywords}
    return values.get("dfc")


_SPECIAL = {
    "Join": _join,
    "Union": _union,
    "SelectFromCollection": _select_from,
    "MapToCollection": _map_to_collection,
    "FlatMap": _flat_map,
}
TRANSFORMS: dict[str, Value] = {name: Transform(name) for name in (*_METHODS, *_SPECIAL)}

__all__ = ["TRANSFORMS", "DynamicFrame", "Transform"]
