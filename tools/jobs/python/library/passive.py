"""Modules that move no data (logging, typing, warnings …) and modules that reach outside (boto3, requests …)."""

from __future__ import annotations

from collections.abc import Callable

from tools.jobs.python.builtins import asdict
from tools.jobs.python.interpreter import Interpreter
from tools.jobs.python.library.tables import Passive, Runtime, module, nothing, row
from tools.jobs.python.site import Site
from tools.jobs.python.values import ClassMethod, Function, Host, Module, Native, Property, Value

_QUIET = (
    "logging", "typing", "warnings", "traceback", "types", "typing_extensions", "gc", "atexit", "signal", "pprint",
    "logging.config", "logging.handlers", "__future__", "collections.abc", "importlib", "inspect", "unittest",
    "unittest.mock", "pytest", "structlog", "loguru", "watchtower", "aws_lambda_powertools", "prometheus_client",
)  # fmt: skip
_OUTSIDE = (
    "boto3", "botocore", "botocore.exceptions", "botocore.client", "botocore.config", "requests", "psycopg2", "pymysql",
    "pymongo", "redis", "sqlalchemy", "awswrangler", "s3fs", "smart_open", "urllib", "urllib.request", "http",
    "subprocess", "socket", "shutil", "tempfile", "random", "secrets", "hashlib", "base64", "zlib", "gzip", "zipfile",
    "tarfile", "io", "pickle", "csv", "glob", "platform", "getpass", "pandas", "numpy", "sklearn", "scipy", "pyarrow",
    "great_expectations", "pydeequ", "hvac", "jinja2", "cryptography", "snowflake", "snowflake.connector", "ssl", "fsspec",
    "multiprocessing", "queue", "ctypes", "struct", "binascii", "xml", "xml.etree", "xml.etree.ElementTree",
    "statistics", "pg8000", "pyodbc", "cx_Oracle", "oracledb", "mlflow", "opensearchpy", "elasticsearch", "kafka",
)  # fmt: skip


class TypingMember(Host):
    """`Optional`, `List`, `TypeVar`: usable in annotations, and classes may derive from them."""

    __slots__ = ("name",)
    is_enum = False

    def __init__(self, name: str) -> None:
        self.name = name

    def item(self, key: Value, site: Site) -> Value:
        """`List[str]`."""
        return self

    def call(self, arguments: object, site: Site) -> Value:
        """`TypeVar("T")`; `cast(T, x)` gives x."""
        given = getattr(arguments, "positional", [])
        return given[1] if self.name == "cast" and len(given) == 2 else self

    def attribute(self, name: str, site: Site) -> Value:
        """Members of generic types."""
        return TypingMember(name)


class EnumBase(Host):
    """`Enum` as a base class: a member is its value's holder."""

    __slots__ = ()
    is_enum = True


def _quiet_member(module_name: str) -> Callable[[str, Site], Value]:
    def member(name: str, site: Site) -> Value:
        return TypingMember(name) if module_name.startswith("typing") else Passive(f"{module_name}.{name}")

    return member


def _outside_member(module_name: str) -> Callable[[str, Site], Value]:
    def member(name: str, site: Site) -> Value:
        return Runtime(f"{module_name}.{name}")

    return member


def _quiet(name: str) -> Callable[[Interpreter], Module]:
    return lambda interpreter: Module(name, {}, _quiet_member(name))


def _outside(name: str) -> Callable[[Interpreter], Module]:
    return lambda interpreter: Module(name, {}, _outside_member(name))


def _dataclass(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    return given[0] if given else Native("dataclass", _dataclass)


def _field(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    factory = keywords.get("default_factory")
    return Property(factory) if factory is not None else keywords.get("default")


def _unchanged(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    """Decorators such as `abstractmethod` and `contextmanager`."""
    return given[0] if given else Native("decorator", _unchanged)


def _abstract_property(site: Site, function: Value) -> Value:
    return Property(function)


def _wraps(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    return Native("wraps", _unchanged)


def _suppress(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    return None


MODULES: dict[str, Callable[[Interpreter], Module]] = {
    **{name: _quiet(name) for name in _QUIET},
    **{name: _outside(name) for name in _OUTSIDE},
    "dataclasses": module(
        "dataclasses",
        dict([row("dataclass", _dataclass, lift=False), row("field", _field, lift=False), ("asdict", asdict)]),
    ),
    "abc": module(
        "abc",
        dict(
            [
                row("abstractmethod", _unchanged, lift=False),
                row("abstractproperty", _abstract_property, "function"),
                ("ABC", TypingMember("ABC")),
                ("ABCMeta", TypingMember("ABCMeta")),
            ]
        ),
    ),
    "enum": module(
        "enum",
        {
            **{n: EnumBase() for n in ("Enum", "IntEnum", "StrEnum", "Flag")},
            "auto": Native("auto", nothing),
            "unique": Native("unique", _unchanged),
        },
    ),
    "contextlib": module(
        "contextlib",
        dict(
            [
                row("contextmanager", _unchanged, lift=False),
                row("suppress", _suppress),
                row("nullcontext", _unchanged),
                row("closing", _unchanged),
                row("redirect_stdout", _suppress),
            ]
        ),
    ),
}

__all__ = ["MODULES", "ClassMethod", "EnumBase", "Function"]
