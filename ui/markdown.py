"""Markdown as it is being written, cut into blocks that can be drawn: a paragraph, a list, a table, a piece of code.

Strings in, strings out. A terminal cannot take back what it has drawn, so a block is given away only when it is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["blocks"]


def blocks(pieces: Iterable[str]) -> Iterator[str]:
    """The blocks of a text that comes in pieces, each as soon as the empty line after it has come.

    Put together again with an empty line between them they are the text. Code between fences stays one block.
    """
    block: list[str] = []
    fenced = False
    for line in _lines(pieces):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if line.strip() or fenced:
            block.append(line)
        elif block:
            yield "\n".join(block)
            block = []
    if block:
        yield "\n".join(block)


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + piece).split("\n")
        yield from whole
    if rest:
        yield rest
