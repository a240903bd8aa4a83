"""Objects of S3: listed, read, written whole; and a lake's text files among them.

A PUT is whole or not at all, so nobody ever reads half a report. It knows no tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from knowledge.aws import calling, client
from knowledge.errors import ConfigError, InputError, ReadError
from tools.lake.base import TextFile

__all__ = ["LakeObjects", "Objects", "Stored", "Url"]

_OUTPUT = "output"
_LARGEST_TEXT = 32 * 2**20
"""Bytes. A script, report or settings file is far smaller; a data file taken for one is not read into memory."""


@dataclass(frozen=True, slots=True)
class Url:
    """`s3://bucket/key`, where the key may be a prefix."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Url:
        """Takes s3://, s3a:// and s3n://, which Spark writes.

        Raises ConfigError for anything else.
        """
        scheme, mark, rest = text.partition("://")
        bucket, _, key = rest.partition("/")
        if not mark or scheme.lower() not in ("s3", "s3a", "s3n") or not bucket:
            raise ConfigError(f"{text!r} is not a place on S3", hint="Write s3://<bucket>/<prefix>.")
        return cls(bucket, key)

    def __truediv__(self, path: str) -> Url:
        """A key below this one."""
        base = self.key.rstrip("/")
        return Url(self.bucket, f"{base}/{path}" if base else path)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as a listing shows it. `changed` is in seconds since 1970."""

    url: Url
    size: int
    version: str
    changed: float


class Objects:
    """The S3 service of one region. Safe between threads."""

    def __init__(self, region: str | None = None) -> None:
        self._region = region

    def below(self, prefix: Url) -> Iterator[Stored]:
        """Every object whose key begins with a prefix, by key, 1,000 a request; lazily."""
        with calling("s3", str(prefix), "S3"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
            for page in pages:
                for found in page.get("Contents", ()):
                    url = Url(prefix.bucket, found["Key"])
                    yield Stored(url, found["Size"], found["ETag"].strip('"'), found["LastModified"].timestamp())

    def read(self, url: Url, *, last: int | None = None) -> bytes | None:
        """An object's bytes, or its `last` ones; None when it is not there.

        Raises ReadError when it is too large to be a text.
        """
        from botocore.exceptions import ClientError

        # An empty object has no last byte; asked for some, S3 refuses the range.
        extra = {} if last is None else {"Range": f"bytes=-{last}"}
        with calling("s3", str(url), "S3"):
            try:
                found = self._client.get_object(Bucket=url.bucket, Key=url.key, **extra)
            except ClientError as error:
                if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                    return None
                if error.response["Error"]["Code"] == "InvalidRange":
                    return b""
                raise
            if last is None and found["ContentLength"] > _LARGEST_TEXT:
                raise ReadError(f"{url} is too large to be a text: {found['ContentLength']:,} bytes", where=str(url))
            body: bytes = found["Body"].read()
            return body

    def write(self, url: Url, text: str) -> None:
        """Writes a whole object in one PUT."""
        with calling("s3", str(url), "S3"):
            self._client.put_object(
                Bucket=url.bucket, Key=url.key, Body=text.encode(), ContentType=_content_type(url.key)
            )

    @cached_property
    def _client(self) -> Any:
        return client("s3", 16, region=self._region, what="S3")


@dataclass(frozen=True, slots=True)
class LakeObjects:
    """A lake's text files by their path in it (`output/docs/x.md`, `kpis.json`).

    Args:
        home: where they are.
        output: where `output/…` really is; another bucket, often.
    """

    objects: Objects
    home: Url
    output: Url

    def read(self, path: str) -> str | None:
        """A text file; None when it is not there.

        Raises:
            InputError: the path leads out of the lake.
            ReadError: it is no UTF-8 text.
        """
        found = self.objects.read(self.locate(path))
        try:
            return None if found is None else found.decode()
        except UnicodeDecodeError as error:
            raise ReadError(f"{path} is not UTF-8 text", where=str(self.locate(path))) from error

    def write(self, path: str, text: str) -> str:
        """Writes a file below `output/`, whole or not at all, and returns where it is.

        Raises InputError for another path.
        """
        if not path.startswith(f"{_OUTPUT}/") or path.endswith("/"):
            raise InputError(f"Only files below {_OUTPUT}/ are written, not {path!r}")
        url = self.locate(path)
        self.objects.write(url, text)
        return str(url)

    def below(self, folder: str) -> list[TextFile]:
        """The files below a folder, hidden ones apart, sorted by path; the version is the ETag."""
        base = self.locate(folder.rstrip("/"))
        start = f"{base.key}/"
        found = []
        for stored in self.objects.below(Url(base.bucket, start)):
            path = stored.url.key[len(start) :]
            if path and not path.endswith("/") and not any(part.startswith(".") for part in path.split("/")):
                found.append(TextFile(f"{folder.rstrip('/')}/{path}", stored.version, stored.size))
        return found

    def locate(self, path: str) -> Url:
        """Where a path of the lake is.

        Raises InputError when it leads out of the lake.
        """
        parts = path.split("/")
        if path.startswith("/") or ".." in parts or "\\" in path or "" in parts[:-1]:
            raise InputError(f"The path {path!r} leads out of the lake")
        if parts[0] != _OUTPUT:
            return self.home / path
        return self.output / "/".join(parts[1:]) if len(parts) > 1 else self.output

    def told(self, url: Url) -> str:
        """How people call an object: its path in the lake, or where it is if it is elsewhere."""
        start = f"{self.home.key.rstrip('/')}/" if self.home.key.strip("/") else ""
        inside = url.bucket == self.home.bucket and url.key.startswith(start)
        return url.key[len(start) :] if inside else str(url)


def _content_type(key: str) -> str:
    endings = {"json": "application/json", "html": "text/html", "md": "text/markdown", "svg": "image/svg+xml"}
    return f"{endings.get(key.rpartition('.')[2], 'text/plain')}; charset=utf-8"
