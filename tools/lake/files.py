"""A lake folder's text files: read anywhere inside the lake, written whole and below `output/` only.

It knows paths and nothing of what is in the files.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from knowledge.errors import InputError, ReadError
from tools.lake.base import TextFile

__all__ = ["LakeFiles", "write_whole"]

_OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class LakeFiles:
    """Files by their path in the lake (`output/docs/x.md`, `kpis.json`).

    Args:
        root: the lake's folder.
        output: where `output/…` really is; it need not be inside the lake.
    """

    root: Path
    output: Path

    def read(self, path: str) -> str | None:
        """A text file; None when it is not there.

        Raises:
            InputError: the path leads out of the lake.
            ReadError: it is there but is no UTF-8 text, or may not be read.
        """
        file = self.locate(path)
        if not file.is_file():
            return None
        try:
            return file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ReadError(f"{path} is not UTF-8 text", where=str(file)) from error
        except OSError as error:
            raise ReadError(f"{path} cannot be read: {error.strerror}", where=str(file)) from error

    def write(self, path: str, text: str) -> str:
        """Writes a file under `output/`, whole or not at all, and returns where it is.

        Raises:
            InputError: the path is not below `output/`, or cannot be written.
        """
        file = self.locate(path)
        if not path.startswith(f"{_OUTPUT}/") or file == self.output.resolve():
            raise InputError(f"Only files below {_OUTPUT}/ are written, not {path!r}")
        try:
            write_whole(file, text)
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror}", where=str(file)) from error
        return str(file)

    def below(self, folder: str) -> list[TextFile]:
        """The files below a folder, hidden ones apart, sorted by path.

        Raises:
            InputError: the folder leads out of the lake.
        """
        base = self.locate(folder)
        files = sorted(f for f in base.rglob("*") if f.is_file() and not _hidden(f.relative_to(base)))
        return [self._text_file(folder, base, file) for file in files if file.resolve().is_relative_to(base)]

    @staticmethod
    def _text_file(folder: str, base: Path, file: Path) -> TextFile:
        told = file.stat()
        path = f"{folder.rstrip('/')}/{file.relative_to(base).as_posix()}"
        return TextFile(path, f"{told.st_mtime_ns}-{told.st_size}", told.st_size)

    def locate(self, path: str) -> Path:
        """Where a path of the lake is on disk, with links followed.

        Raises:
            InputError: it leads out of the lake.
        """
        first, _, rest = path.partition("/")
        base, relative = (self.output, rest) if first == _OUTPUT else (self.root, path)
        found = (base / relative).resolve()
        if not found.is_relative_to(base.resolve()):
            raise InputError(f"The path {path!r} leads out of the lake")
        return found


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def write_whole(file: Path, text: str) -> None:
    """Writes beside the target and renames: a reader sees the old file or the new one, never a part.

    Raises:
        OSError: the folder cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    try:
        with draft.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
