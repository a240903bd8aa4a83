"""YAML that people read and edit: short lists on one line, no anchors, dates as text as JSON has them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from knowledge.errors import ConfigError

__all__ = ["dumped", "loaded"]

_WIDTH = 110


def dumped(data: Mapping[str, Any]) -> str:
    """A mapping as YAML, its keys in their order."""
    return yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


def loaded(text: str, what: str, where: str) -> Any:
    """The plain data of a text.

    Raises:
        ConfigError: it is no YAML; says what cannot be read, why, and at which line.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader: see below
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{what} cannot be read: {_first_line(error)}", where=where) from None


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f" (line {mark.line + 1})" if mark is not None else ""
    return f"{getattr(error, 'problem', None) or (str(error).splitlines() or ['nested too deeply'])[0]}{place}"


class _Dumper(yaml.SafeDumper):
    """Lists of plain values on one line, no anchors, everything else as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


def _short_list(dumper: yaml.SafeDumper, data: Sequence[Any]) -> yaml.Node:
    plain = all(isinstance(v, str | int | float | bool) or v is None for v in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=plain)


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.Node:
    """Line ends that only Unicode knows are escaped: written as they are, they are read again as blanks."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style='"' if _LINE_ENDS.search(data) else None)


_LINE_ENDS = re.compile("[\x85\u2028\u2029]")
_Dumper.add_representer(list, _short_list)
_Dumper.add_representer(str, _text)


class _Loader(yaml.SafeLoader):
    """Plain data only; dates stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
