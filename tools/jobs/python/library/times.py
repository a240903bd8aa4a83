"""datetime, time, uuid, calendar, dateutil: values that every run makes anew, and dates that the script states."""

from __future__ import annotations

from collections.abc import Callable

from tools.jobs.python.interpreter import Interpreter
from tools.jobs.python.library.tables import Runtime, module, row, runtime
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.values import Host, Module, Native, Undecided, Value


class Moment(Host):
    """A date or time that only a run knows; as part of a name it is `${runtime.…}`."""

    __slots__ = ("hole",)

    def __init__(self, hole: str) -> None:
        self.hole = hole

    def attribute(self, name: str, site: Site) -> Value:
        """Its parts and texts are moments too."""
        return Moment(self.hole)

    def call(self, arguments: Arguments, site: Site) -> Value:
        """`.date()`, `.strftime(…)`, `.replace(…)`."""
        return self

    def binary(self, operator: str, other: Value, reflected: bool, site: Site) -> Value:
        """Differences and sums; comparisons are known at run time."""
        if operator in ("==", "!=", "<", "<=", ">", ">="):
            return Undecided("a comparison of moments", site.span)
        if isinstance(other, str):
            from tools.jobs.python.text import concatenate

            shown = self.text(site)
            return concatenate([other, shown] if reflected else [shown, other])
        return self

    def item(self, key: Value, site: Site) -> Value:
        """A part of it."""
        return self

    def unary(self, operator: str, site: Site) -> Value:
        """`-timedelta(…)`."""
        return self

    def truth(self, site: Site) -> bool | None:
        """A moment is true."""
        return True

    def text(self, site: Site) -> Value:
        """As part of a name."""
        return Undecided("a moment known only at run time", site.span, self.hole)

    def iterate(self, site: Site) -> list[Value] | None:
        """Not a collection."""
        return None


class MomentType(Host):
    """`datetime`, `date`, `timedelta`: classes whose methods make moments."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def attribute(self, name: str, site: Site) -> Value:
        """`now`, `today`, `strptime` …"""
        if name in ("strptime", "fromisoformat", "parse"):
            return Native(name, _parsed)
        if name in ("now", "utcnow", "today"):
            return Moment(f"runtime.{self.name}.{name}")
        return Moment(f"runtime.{self.name}")

    def call(self, arguments: Arguments, site: Site) -> Value:
        """`date(2024, 1, 1)`, `timedelta(days=1)`."""
        return Moment(f"runtime.{self.name}")


def _parsed(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    """A moment from a text: as part of a name it still stands for that text's hole."""
    from tools.jobs.python.text import text_of

    text = text_of(given[0]) if given else None
    if text is not None and text.startswith("${") and text.endswith("}") and text.count("${") == 1:
        return Moment(text[2:-1])
    return Moment("runtime.date")


MODULES: dict[str, Callable[[Interpreter], Module]] = {
    "datetime": module(
        "datetime",
        {name: MomentType(name) for name in ("datetime", "date", "timedelta", "time", "timezone")}
        | {"UTC": Moment("runtime.utc")},
    ),
    "time": module(
        "time",
        dict(
            [
                row("time", lambda site, given, keywords: Moment("runtime.time")),
                row("strftime", lambda site, given, keywords: Moment("runtime.time")),
                row("sleep", lambda site, given, keywords: None),
                row("perf_counter", lambda site, given, keywords: Moment("runtime.time")),
                row("localtime", lambda site, given, keywords: Moment("runtime.time")),
                row("gmtime", lambda site, given, keywords: Moment("runtime.time")),
                row("monotonic", lambda site, given, keywords: Moment("runtime.time")),
            ]
        ),
    ),
    "uuid": module("uuid", {n: Moment("runtime.uuid") for n in ("uuid1", "uuid4", "uuid5", "uuid3")}),
    "calendar": module("calendar", {"monthrange": Moment("runtime.date")}),
    "pytz": module("pytz", {"timezone": Moment("runtime.timezone"), "utc": Moment("runtime.timezone")}),
    "zoneinfo": module("zoneinfo", {"ZoneInfo": Moment("runtime.timezone")}),
    "dateutil": module("dateutil", {"parser": MomentType("date"), "relativedelta": Moment("runtime.date")}),
    "dateutil.relativedelta": module("dateutil.relativedelta", {"relativedelta": Moment("runtime.date")}),
    "dateutil.parser": module("dateutil.parser", {"parse": Native("parse", _parsed)}),
    "pendulum": module("pendulum", {n: Moment("runtime.date") for n in ("now", "today", "datetime", "parse")}),
}

__all__ = ["MODULES", "Runtime", "runtime"]
