"""A shelf in one DynamoDB table. What is where:

    pk (partition key)             sk (sort key)   body            spilled       version
    records/JOB                    #positions_job  the record      -             random, new with every write
    snapshots/JOB/positions_job    #0000000007     the snapshot    -             …
    kept/profiles                  #<key>          the object      -             …
    journal                        #state          the journal     -             …
    snapshots/JOB/huge_job         #0000000001     -               bodies/<sha>  …

A key's folder is its partition, so that one query reads all jobs, or one object's history from its end. The names
are percent-encoded. Reads are consistent. A save is one TransactWriteItems: puts on condition that what was looked up
has the version it had, and checks of what was only looked up; more than that (100 actions, 4 MB) takes the journal.

A body over `_LARGEST` bytes lies on S3 under the hash of its content, written before the item that points at it: a
save that fails leaves at most an object that nothing points at.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from knowledge.aws import calling, client
from knowledge.errors import ConfigError
from knowledge.store.s3 import S3Shelf

__all__ = ["DynamoShelf"]

_LARGEST = 380_000
_ACTIONS = 100
_BYTES = 3_500_000
_TOGETHER = 16
_CHANGED = "ConditionalCheckFailed"
_AGAIN = frozenset({_CHANGED, "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class DynamoShelf:
    """See `Shelf`. Without `spill`, a body that a table has no room for is refused."""

    def __init__(self, table: str, spill: S3Shelf | None = None) -> None:
        self._table, self._spill = table, spill

    def read(self, key: str) -> tuple[str, str] | None:
        """See `Shelf`."""
        with calling("dynamodb", self._where):
            found = self._client.get_item(TableName=self._table, Key=_place(key), ConsistentRead=True)
        item = found.get("Item")
        return (self._body(item), item["version"]["S"]) if item else None

    def scan(self, folder: str, prefix: str = "", newest: int | None = None) -> Iterator[tuple[str, str]]:
        """See `Shelf`."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)",
            "ExpressionAttributeValues": {":pk": {"S": folder}, ":sk": {"S": f"#{prefix}"}},
            "ConsistentRead": True,
            "ScanIndexForward": newest is None,
        }
        left = newest
        while left is None or left > 0:
            with calling("dynamodb", self._where):
                page = self._client.query(**request, **({"Limit": left} if left is not None else {}))
            for item in page["Items"]:
                yield item["sk"]["S"][1:], self._body(item)
            left = None if left is None else left - len(page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def write_if(self, key: str, text: str, version: str | None) -> str | None:
        """See `Shelf`."""
        from botocore.exceptions import ClientError

        put = self._put(key, text, {key: version})
        with calling("dynamodb", self._where):
            try:
                self._client.put_item(**put)
            except ClientError as error:
                if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                    return None
                raise
        new: str = put["Item"]["version"]["S"]
        return new

    def fits(self, writes: Mapping[str, str], seen: Mapping[str, str | None]) -> bool:
        """See `Shelf`."""
        inside = sum(size for text in writes.values() if (size := len(text.encode())) <= _LARGEST)
        return len({*writes, *seen}) <= _ACTIONS and inside <= _BYTES

    def write_all(self, writes: Mapping[str, str], seen: Mapping[str, str | None]) -> bool:
        """See `Shelf`."""
        from botocore.exceptions import ClientError

        actions: list[dict[str, Any]] = [{"Put": self._put(key, text, seen)} for key, text in writes.items()]
        actions += [{"ConditionCheck": self._check(k, v)} for k, v in seen.items() if k not in writes]
        with calling("dynamodb", self._where):
            try:
                # The token makes a retry of ours, whose first answer was lost, the same transaction.
                self._client.transact_write_items(TransactItems=actions, ClientRequestToken=uuid.uuid4().hex)
            except ClientError as error:
                if _worth_another(error.response):
                    return False
                raise
        return True

    def _put(self, key: str, text: str, seen: Mapping[str, str | None]) -> dict[str, Any]:
        item = {**_place(key), "version": {"S": uuid.uuid4().hex}, **self._held(key, text)}
        return {"TableName": self._table, "Item": item, **(_condition(seen[key]) if key in seen else {})}

    def _check(self, key: str, version: str | None) -> dict[str, Any]:
        return {"TableName": self._table, "Key": _place(key), **_condition(version)}

    def _held(self, key: str, text: str) -> dict[str, Any]:
        """The body as an attribute, or the place on S3 where it has been put."""
        body = text.encode()
        if len(body) <= _LARGEST:
            return {"body": {"S": text}}
        if self._spill is None:
            raise ConfigError(
                f"{key} has {len(body):,} bytes, more than a DynamoDB item holds",
                where=self._where,
                hint="Name an S3 prefix for such bodies: DE_COPILOT_RECORDS_SPILL=s3://<bucket>/<prefix>.",
            )
        place = f"bodies/{hashlib.sha256(body).hexdigest()}"
        self._spill.write(place, text)
        return {"spilled": {"S": place}}

    def _body(self, item: Mapping[str, Any]) -> str:
        if "body" in item:
            text: str = item["body"]["S"]
            return text
        place = item["spilled"]["S"]
        found = self._spill.read(place) if self._spill else None
        if found is None:
            raise ConfigError(
                f"the body of {item['pk']['S']} is on S3 as {place}.json, and cannot be found",
                where=self._where,
                hint="Set DE_COPILOT_RECORDS_SPILL to the prefix it was written with.",
            )
        return found[0]

    @property
    def _where(self) -> str:
        return f"DynamoDB table {self._table}"

    @cached_property
    def _client(self) -> Any:
        return client("dynamodb", _TOGETHER)


def _place(key: str) -> dict[str, Any]:
    folder, _, name = key.rpartition("/")
    return {"pk": {"S": folder}, "sk": {"S": f"#{name}"}}


def _condition(version: str | None) -> dict[str, Any]:
    if version is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {"ConditionExpression": "version = :seen", "ExpressionAttributeValues": {":seen": {"S": version}}}


def _worth_another(response: Any) -> bool:
    """Whether a transaction failed only for reasons that another attempt may not meet."""
    code = response["Error"]["Code"]
    if code in ("TransactionConflictException", "TransactionInProgressException"):
        return True
    reasons = {reason.get("Code") for reason in response.get("CancellationReasons", ())} - {"None", None}
    return code == "TransactionCanceledException" and bool(reasons) and reasons <= _AGAIN
