"""The `awsglue` packages as modules of the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tools.jobs.glue.collection import CollectionType
from tools.jobs.glue.context import GlueContext, Silent
from tools.jobs.glue.dynamic_frame import METHODS, DynamicFrame, dynamic
from tools.jobs.glue.quality import QUALITY
from tools.jobs.glue.transforms import TRANSFORMS
from tools.jobs.python.interpreter import Interpreter
from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, HoleDict, Host, Module, Native, Undecided, Value


@dataclass(eq=False, frozen=True, slots=True)
class DynamicFrameType(Host):
    """The class `DynamicFrame`."""

    instances: type = DynamicFrame

    def attribute(self, name: str, site: Site) -> Value:
        """`fromDF`, and methods called on the class."""
        if name in ("fromDF", "from_df"):
            return Native("fromDF", _from_df, ("dataframe", "*rest", "**keywords"))
        return METHODS.get(name, NOTHING)

    def call(self, arguments: object, site: Site) -> Value:
        """`DynamicFrame(jdf, glueContext, name)` is internal to Glue."""
        return site.undecided("a DynamicFrame made from Java")


def _from_df(site: Site, frame: Value, rest: list[Value], keywords: dict[str, Value]) -> Value:
    made = dynamic(frame, site)
    if made is None:
        return site.undecided("fromDF of a frame that could not be read", frame)
    names = [r for r in [*rest, keywords.get("name")] if isinstance(r, str)]
    return DynamicFrame(made.frame, names[0] if names else None)


def resolved_options(site: Site, argv: Value, names: Value) -> Value:
    """`getResolvedOptions(sys.argv, names)`: the arguments that are known, named holes for the others."""
    known = site.session.arguments
    found: dict[Value, Value] = {}
    for one in site.elements(names):
        text = text_of(one)
        if text is None:
            continue
        name = text.replace("-", "_")
        found[name] = argument(name, known, site)
    for name in ("JOB_NAME", "JOB_RUN_ID", "TempDir"):
        found.setdefault(name, argument(name, known, site))
    for name, value in known.items():
        found.setdefault(name.replace("-", "_").lstrip("_"), value)
    return HoleDict(found)


def argument(name: str, known: Mapping[str, str], site: Site) -> Value:
    """A job argument's value, or a hole named after it."""
    for spelled in (name, name.replace("_", "-"), f"--{name}", f"--{name.replace('_', '-')}"):
        if spelled in known:
            return known[spelled]
    from tools.jobs.python.values import Partial

    hole = f"args.{name}"
    return Partial(f"${{{hole}}}", (Undecided(f"job argument {name}", site.span, hole),))


MODULES: dict[str, Callable[[Interpreter], Module]] = {
    name: (lambda interpreter, name=name, members=members: Module(name, members))  # type: ignore[misc]
    for name, members in {
        "awsglue": {"DynamicFrame": DynamicFrameType()},
        "awsglue.context": {"GlueContext": GlueContext()},
        "awsglue.dynamicframe": {
            "DynamicFrame": DynamicFrameType(),
            "DynamicFrameCollection": CollectionType(),
        },
        "awsglue.transforms": {**TRANSFORMS, "DynamicFrame": DynamicFrameType()},
        "awsglue.job": {"Job": Silent()},
        "awsglue.utils": {
            "getResolvedOptions": Native("getResolvedOptions", resolved_options, ("args", "options")),
            "GlueArgumentError": Native("GlueArgumentError", lambda site, given, keywords: None),
        },
        "awsgluedq.transforms": QUALITY,
        "awsgluedq": QUALITY,
        "awsgluedi.transforms": {},
        "awsglueml.transforms": {
            "EntityDetector": TRANSFORMS["EntityDetector"],
            "FindMatches": TRANSFORMS["FindMatches"],
        },
    }.items()
}
BUILTINS: dict[str, Value] = {"glueContext": GlueContext(), "glue_context": GlueContext()}
