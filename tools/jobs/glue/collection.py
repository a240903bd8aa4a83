"""DynamicFrameCollection: frames by name."""

from __future__ import annotations

from dataclasses import dataclass, field

from tools.jobs.glue.dynamic_frame import DynamicFrame, unnested
from tools.jobs.pyspark.opaque import opaque_frame
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, Host, Native, OpenList, Value


@dataclass(eq=False, frozen=True, slots=True)
class Collection(Host):
    """Frames by name; `behind` is what further frames of unknown names come from."""

    frames: dict[str, DynamicFrame] = field(default_factory=dict)
    behind: DynamicFrame | None = None

    @classmethod
    def relationalized(cls, dyf: DynamicFrame, root: str, site: Site) -> Collection:
        """The flat frames of a nested one: the root, and one for each array, which appear as they are asked for."""
        return cls({root: dyf.over(unnested(dyf.frame, site))}, dyf)

    def attribute(self, name: str, site: Site) -> Value:
        """`select`, `keys`, `values`."""
        if name == "select":
            return Native(name, lambda site, key: self.item(key, site), ("key",))
        if name in ("keys", "values", "items"):
            return Native(name, lambda site, values, keywords: self._listed(name))
        if name in ("map", "flatmap"):
            return Native(
                name, lambda site, function, values, keywords: self._mapped(function, site), ("f", "*a", "**k")
            )
        return NOTHING

    def _listed(self, what: str) -> list[Value]:
        found: list[Value] = list(self.frames) if what == "keys" else list(self.frames.values())
        if what == "items":
            found = list(self.frames.items())
        return OpenList(found) if self.behind is not None else found

    def _mapped(self, function: Value, site: Site) -> Value:
        from tools.jobs.glue.dynamic_frame import dynamic

        made: dict[str, DynamicFrame] = {}
        for name, frame in self.frames.items():
            result = dynamic(site.call(function, frame, site.undecided("a context")), site)
            made[name] = result if result is not None else frame
        return Collection(made, self.behind)

    def item(self, key: Value, site: Site) -> Value:
        """`collection["name"]`, or the first by position."""
        name = text_of(key)
        if name in self.frames:
            return self.frames[name]
        if isinstance(key, int) and key < len(self.frames):
            return list(self.frames.values())[key]
        if self.behind is None:
            return next(iter(self.frames.values()), site.undecided("a frame of a collection"))
        frame = opaque_frame([self.behind.frame], f"the part {name} of a relationalized frame", site)
        self.frames[str(name)] = DynamicFrame(frame)
        return self.frames[str(name)]

    def iterate(self, site: Site) -> list[Value] | None:
        """Its names."""
        return self._listed("keys")

    def contains(self, element: Value, site: Site) -> Value:
        """Whether there is a frame of that name."""
        return text_of(element) in self.frames or site.undecided("whether a collection has it")


@dataclass(eq=False, frozen=True, slots=True)
class CollectionType(Host):
    """The class `DynamicFrameCollection`."""

    instances: type = Collection

    def call(self, arguments: Arguments, site: Site) -> Value:
        """`DynamicFrameCollection({name: frame}, glueContext)`."""
        from tools.jobs.glue.dynamic_frame import dynamic

        given = arguments.positional[0] if arguments.positional else arguments.keywords.get("dynamic_frames")
        if not isinstance(given, dict):
            return site.undecided("a collection of frames", given)
        frames = {str(text_of(k)): dynamic(v, site) for k, v in given.items()}
        return Collection({k: v for k, v in frames.items() if v is not None})
