"""Values that code which is not read has made, used as frames or sessions: they are taken for what they are used as."""

from __future__ import annotations

from dataclasses import dataclass

from tools.jobs.pyspark.frame import Frame
from tools.jobs.pyspark.opaque import opaque_frame
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.values import NOTHING, Host, Undecided, Value

_ONLY_FRAMES = frozenset(
    "select selectExpr withColumn withColumnRenamed withColumns withColumnsRenamed groupBy writeStream writeTo "
    "createOrReplaceTempView createTempView createGlobalTempView createOrReplaceGlobalTempView registerTempTable "
    "unionByName dropDuplicates toDF printSchema na orderBy crossJoin exceptAll subtract rdd dtypes".split()
)
_ALSO_OTHERS = frozenset(
    "filter where join drop union unionAll limit distinct alias agg cache persist repartition coalesce columns schema "
    "count fillna dropna sort groupby transform __getitem__".split()
)
_SESSION = frozenset("sql read readStream table createDataFrame catalog sparkContext newSession udf".split())


def as_frame(value: Value, site: Site) -> Frame | None:
    """The value as a frame: itself, what it holds, or an opaque one over the frames that went into it."""
    if isinstance(value, Frame):
        return value
    held = getattr(value, "frame", None)
    if isinstance(held, Frame):
        return held
    if isinstance(value, Undecided):
        return _opaque(value, site)
    return None


def _opaque(value: Undecided, site: Site) -> Frame:
    memory = site.interpreter.memory
    key = ("frame", value)
    if key not in memory:
        frames = [f for i in value.inputs for f in _frames_of(i, site)]
        if value.alternatives and frames:
            memory[key] = _one_of(frames, site)
            return _opaque(value, site)
        kind = "statement" if frames else "read"
        site.unknown(
            f"a frame made by code that is not read: {value.reason}", "read" if kind == "read" else "statement"
        )
        place = Site(site.interpreter, value.span or site.span)
        memory[key] = opaque_frame(frames, value.reason, place)
    found = memory[key]
    assert isinstance(found, Frame)
    return found


def _frames_of(value: Value, site: Site) -> list[Frame]:
    from tools.jobs.pyspark.spark import Rdd

    if isinstance(value, Rdd):
        return list(value.frames)
    frame = as_frame(value, site) if not isinstance(value, Undecided) else None
    return [frame] if frame is not None else []


def _one_of(frames: list[Frame], site: Site) -> Frame:
    """One of several frames, by conditions that only a run knows: columns of one name may come from any of them."""
    from tools.jobs.pyspark.rows import united_by_name

    site.unknown(f"a frame that is one of {len(frames)}, by conditions known only at run time", "statement")
    return united_by_name(frames, site)


@dataclass(eq=False, frozen=True, slots=True)
class MaybeWriter(Host):
    """`x.write` of an unread value: a frame's writer if it is used as one, or a file's method."""

    value: Undecided

    def attribute(self, name: str, site: Site) -> Value:
        """A writer's method makes it a frame's writer."""
        from tools.jobs.pyspark.writer import METHODS, Writer

        if name not in METHODS:
            return NOTHING
        frame = as_frame(self.value, site)
        return Writer(frame).attribute(name, site) if frame else NOTHING


def promote(value: Undecided, name: str, site: Site) -> Value:
    """The host thing that an undecided value is used as, by the attribute asked of it; NOTHING when that says nothing."""
    from tools.jobs.pyspark.spark import SparkSession

    touched = any(
        isinstance(i, Frame | SparkSession) or hasattr(i, "frame") or hasattr(i, "is_glue") for i in value.inputs
    )
    if name in _ONLY_FRAMES or (touched and name in _ALSO_OTHERS):
        return as_frame(value, site) or NOTHING
    if name == "write":
        return _Written(value)
    if name == "read":
        return _Read(value)
    if name in _SESSION:
        return SparkSession()
    return NOTHING


@dataclass(eq=False, frozen=True, slots=True)
class MaybeReader(Host):
    """`x.read` of an unread value: a session's reader if it is used as one, or a file's method."""

    value: Undecided

    def attribute(self, name: str, site: Site) -> Value:
        """A reader's method makes it one."""
        from tools.jobs.pyspark.reader import Reader

        return Reader().attribute(name, site)

    def call(self, arguments: Arguments, site: Site) -> Value:
        """What a file holds is as unknown as the file."""
        return self.value


@dataclass(eq=False, frozen=True, slots=True)
class _Read(Host):
    """An unread value of which only `read` is asked."""

    value: Undecided

    def attribute(self, name: str, site: Site) -> Value:
        """`read`."""
        return MaybeReader(self.value)


@dataclass(eq=False, frozen=True, slots=True)
class _Written(Host):
    """An unread value of which only `write` is asked."""

    value: Undecided

    def attribute(self, name: str, site: Site) -> Value:
        """`write`."""
        return MaybeWriter(self.value)
