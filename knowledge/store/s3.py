"""A shelf of JSON objects on S3: `s3://<bucket>/<prefix>/records/JOB/positions_job.json` and so on.

An object's version is its ETag; writes are conditional (`If-Match`, `If-None-Match`), each a single PUT. S3 has no
transaction, so every save goes through the journal, and writers take turns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

from knowledge.aws import calling, client
from knowledge.errors import ConfigError

__all__ = ["S3Shelf"]

_TOGETHER = 16
_SUFFIX = ".json"
_OTHER_VERSION = frozenset({"ConditionalRequestConflict", "PreconditionFailed", "409", "412"})


class S3Shelf:
    """See `Shelf`. Raises ConfigError for a text that is no S3 prefix."""

    def __init__(self, where: str) -> None:
        bucket, _, prefix = where.removeprefix("s3://").partition("/")
        if not bucket or not where.startswith("s3://"):
            raise ConfigError(f"{where!r} is not an S3 prefix", hint="Write s3://<bucket>/<prefix>.")
        self.where, self._bucket = where, bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def read(self, key: str) -> tuple[str, str] | None:
        """See `Shelf`."""
        from botocore.exceptions import ClientError

        with calling("s3", self.where):
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=self._path(key))
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    return None
                raise
            return found["Body"].read().decode(), found["ETag"]

    def scan(self, folder: str, prefix: str = "", newest: int | None = None) -> Iterator[tuple[str, str]]:
        """See `Shelf`."""
        names = sorted(self._names(folder, prefix))
        if newest is not None:
            names = names[::-1][:newest]
        with ThreadPoolExecutor(_TOGETHER) as pool:
            for name, found in zip(names, pool.map(self.read, [f"{folder}/{n}" for n in names]), strict=True):
                if found is not None:
                    yield name, found[0]

    def write_if(self, key: str, text: str, version: str | None) -> str | None:
        """See `Shelf`."""
        from botocore.exceptions import ClientError

        condition: dict[str, Any] = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        with calling("s3", self.where):
            try:
                return self._put(key, text, **condition)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code in _OTHER_VERSION or (version is not None and code == "NoSuchKey"):
                    return None
                raise

    def write(self, key: str, text: str) -> None:
        """Writes whatever is there. For bodies whose key says their content."""
        with calling("s3", self.where):
            self._put(key, text)

    def fits(self, writes: Mapping[str, str], seen: Mapping[str, str | None]) -> bool:
        """See `Shelf`: nothing does."""
        return False

    def write_all(self, writes: Mapping[str, str], seen: Mapping[str, str | None]) -> bool:
        """See `Shelf`."""
        raise NotImplementedError("S3 has no transactions")

    def _put(self, key: str, text: str, **condition: Any) -> str:
        body = text.encode()
        etag: str = self._client.put_object(
            Bucket=self._bucket, Key=self._path(key), Body=body, ContentType="application/json", **condition
        )["ETag"]
        return etag

    def _names(self, folder: str, prefix: str) -> Iterator[str]:
        start = self._path(f"{folder}/", suffix="")
        with calling("s3", self.where):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=start + prefix)
            for page in pages:
                for found in page.get("Contents", ()):
                    name = found["Key"][len(start) :].removesuffix(_SUFFIX)
                    if "/" not in name:
                        yield name

    def _path(self, key: str, suffix: str = _SUFFIX) -> str:
        return f"{self._prefix}{key}{suffix}"

    @cached_property
    def _client(self) -> Any:
        return client("s3", _TOGETHER)
