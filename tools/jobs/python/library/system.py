"""os, sys and pathlib: the environment, arguments and paths."""

from __future__ import annotations

from collections.abc import Callable

from tools.jobs.python.flow import Raised
from tools.jobs.python.interpreter import Interpreter
from tools.jobs.python.library.tables import Passive, Runtime, module, nothing, row, runtime
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.text import as_partial, concatenate, settled, text_of
from tools.jobs.python.values import NOTHING, HoleDict, Host, Module, Native, OpenList, Partial, Undecided, Value


def environment() -> HoleDict:
    """`os.environ`."""
    made = HoleDict()
    made.prefix = "env"
    return made


def _getenv(site: Site, name: Value, default: Value) -> Value:
    text = text_of(name)
    if default is not None or text is None:
        return default
    return environment().hole(text, site.span)


def joined_path(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`os.path.join`."""
    parts: list[Value] = []
    for value in given:
        shown = as_partial(value)
        text = shown.text if shown is not None else "${?}"
        if text.startswith("/"):
            parts = [value]
            continue
        if parts and not _ends_with_slash(parts[-1]):
            parts.append("/")
        parts.append(value)
    return concatenate(parts)


def _ends_with_slash(value: Value) -> bool:
    text = text_of(value)
    return text is not None and text.endswith("/")


def _split_path(which: int) -> Callable[..., Value]:
    def call(site: Site, path: Value) -> Value:
        shown = as_partial(path)
        if shown is None:
            return site.undecided("a part of a path")
        head, _, tail = shown.text.rpartition("/")
        return settled(Partial((head, tail)[which], shown.why))

    return call


def _splitext(site: Site, path: Value) -> Value:
    shown = as_partial(path)
    if shown is None:
        return site.undecided("a part of a path")
    head, dot, tail = shown.text.rpartition(".")
    if not dot or "/" in tail:
        return (settled(shown), "")
    return (settled(Partial(head, shown.why)), settled(Partial(dot + tail, shown.why)))


def leave(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`sys.exit()`: nothing after it runs."""
    raise Raised("SystemExit")


class CommandLine(Host):
    """`sys.argv`: what is passed at run time."""

    __slots__ = ()

    def item(self, key: Value, site: Site) -> Value:
        """`sys.argv[1]` is `${args.1}`."""
        if isinstance(key, slice):
            return self
        name = f"args.{key}" if isinstance(key, int) else "?"
        known = site.session.arguments.get(str(key))
        return known if known is not None else Partial(f"${{{name}}}", (Undecided("a job argument", site.span, name),))

    def iterate(self, site: Site) -> list[Value] | None:
        """Not known."""
        return None

    def contains(self, element: Value, site: Site) -> Value:
        """`"--flag" in sys.argv`: by the known arguments, else not decided."""
        name = (text_of(element) or "").lstrip("-").replace("-", "_")
        known = {k.lstrip("-").replace("-", "_") for k in site.session.arguments}
        if name in known:
            return True
        if known:
            return False
        return Undecided("whether an argument is passed", site.span, key=("passed", name))

    def truth(self, site: Site) -> bool | None:
        """Not known."""
        return None

    def text(self, site: Site) -> Value:
        """All of it as a text."""
        return Undecided("the job's arguments", site.span)

    def attribute(self, name: str, site: Site) -> Value:
        """List methods."""
        return Native(name, runtime("the job's arguments"))


class Path(Host):
    """`pathlib.Path`."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value

    def call(self, arguments: Arguments, site: Site) -> Value:
        """`Path("a", "b")`."""
        return Path(joined_path(site, arguments.positional, {}))

    def binary(self, operator: str, other: Value, reflected: bool, site: Site) -> Value:
        """`path / "name"`."""
        if operator != "/":
            return NOTHING
        inner = other.value if isinstance(other, Path) else other
        pair = [inner, self.value] if reflected else [self.value, inner]
        return Path(joined_path(site, pair, {}))

    def attribute(self, name: str, site: Site) -> Value:
        """Parts of the path; what is in files is known at run time."""
        if name == "name":
            return _split_path(1)(site, self.value)
        if name == "parent":
            return Path(_split_path(0)(site, self.value))
        if name == "stem":
            stem = _splitext(site, _split_path(1)(site, self.value))
            return stem[0] if isinstance(stem, tuple) else stem
        if name in ("as_posix", "as_uri", "resolve", "absolute", "expanduser", "__fspath__"):
            return Native(name, lambda site, given, keywords: self.value if name.startswith("as_") else self)
        if name == "joinpath":
            return Native(name, lambda site, given, keywords: Path(joined_path(site, [self.value, *given], {})))
        return Native(name, runtime("a file that is read at run time"))

    def text(self, site: Site) -> Value:
        """The path."""
        return self.value


_PATH: dict[str, Value] = dict(
    [
        row("join", joined_path),
        row("basename", _split_path(1), "path"),
        row("dirname", _split_path(0), "path"),
        row("splitext", _splitext, "path"),
        row("abspath", lambda site, path: path, "path"),
        row("normpath", lambda site, path: path, "path"),
        row("expanduser", lambda site, path: path, "path"),
        row("exists", runtime("whether a file is there")),
        row("isfile", runtime("whether a file is there")),
        row("isdir", runtime("whether a folder is there")),
    ]
)


def _os_path(interpreter: Interpreter) -> Module:
    return Module("os.path", _PATH)


def _os(interpreter: Interpreter) -> Module:
    members: dict[str, Value] = {
        "path": Module("os.path", _PATH),
        "environ": environment(),
        "sep": "/",
        **dict(
            [
                row("getenv", _getenv, "name", "default="),
                row("makedirs", nothing),
                row("_exit", leave),
                row("listdir", lambda site, given, keywords: OpenList([site.undecided("a file's name")])),
                row("walk", lambda site, given, keywords: OpenList([site.undecided("a folder")])),
                row("getcwd", runtime("the working folder")),
                row("system", runtime("a command")),
            ]
        ),
    }
    return Module("os", members, lambda name, site: Runtime(f"os.{name}"))


def _sys(interpreter: Interpreter) -> Module:
    members: dict[str, Value] = {
        "argv": CommandLine(),
        "path": [],
        "modules": {},
        "stdout": Passive("stdout"),
        "stderr": Passive("stderr"),
        "version_info": (3, 11, 0),
        "platform": "linux",
        "maxsize": (1 << 63) - 1,
        **dict([row("exit", leave), row("exc_info", runtime("an exception"))]),
    }
    return Module("sys", members)


MODULES: dict[str, Callable[[Interpreter], Module]] = {
    "os": _os,
    "os.path": _os_path,
    "sys": _sys,
    "pathlib": module("pathlib", {n: Path("") for n in ("Path", "PurePath", "PurePosixPath", "PosixPath")}),
}
BUILTINS: dict[str, Value] = dict([row("exit", leave), row("quit", leave)])
