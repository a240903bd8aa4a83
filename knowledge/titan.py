"""Texts as vectors by Amazon Titan on Bedrock, for a team whose documents are indexed in AWS.

One request a text: the service takes no batches, so a few run at once. It must not know what is embedded, or why.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np

from knowledge.embeddings import Vectors
from knowledge.errors import ConfigError, CopilotError, Unavailable

__all__ = ["Titan"]

_TOGETHER = 8
_CHARACTERS = 24_000
"""Well below the model's 8,192 tokens; what is longer is cut, as the bundled model cuts it."""
_PASSING = frozenset({
    "InternalServerException",
    "ModelErrorException",
    "ModelNotReadyException",
    "ModelTimeoutException",
    "ServiceUnavailableException",
    "ThrottlingException",
})  # fmt: skip


class Titan:
    """Titan Text Embeddings V2, or a model with the same requests. Safe between threads.

    Raises ConfigError when the account may not use it, Unavailable when it does not answer.
    """

    def __init__(self, model: str, *, dimensions: int = 1024, region: str | None = None) -> None:
        self._model, self._dimensions, self._region = model, dimensions, region

    @property
    def name(self) -> str:
        """See `Embedder`."""
        return f"{self._model}-{self._dimensions}"

    @property
    def dimensions(self) -> int:
        """See `Embedder`."""
        return self._dimensions

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`. A blank text, which the service refuses, is the vector of zeros."""
        out = np.zeros((len(texts), self._dimensions), np.float32)
        wanted = [i for i, text in enumerate(texts) if text.strip()]
        with ThreadPoolExecutor(_TOGETHER) as pool:
            for i, vector in zip(wanted, pool.map(self._one, [texts[i] for i in wanted]), strict=True):
                out[i] = vector
        return out

    def _one(self, text: str) -> list[float]:
        from botocore.exceptions import BotoCoreError, ClientError

        body = {"inputText": text[:_CHARACTERS], "dimensions": self._dimensions, "normalize": True}
        try:
            answer = self._client.invoke_model(
                modelId=self._model, body=json.dumps(body), contentType="application/json", accept="application/json"
            )
            vector: list[float] = json.loads(answer["body"].read())["embedding"]
        except ClientError as error:
            raise self._refused(error.response["Error"]) from error
        except BotoCoreError as error:
            raise Unavailable(f"Bedrock did not answer: {error}", where=self._model, hint="Try again.") from error
        return vector

    def _refused(self, stated: object) -> CopilotError:
        code, reason = (str(stated.get(k, "")) for k in ("Code", "Message")) if isinstance(stated, dict) else ("", "")
        if code in _PASSING:
            return Unavailable(f"Bedrock could not embed ({code}): {reason}", where=self._model, hint="Try again.")
        hint = f"Allow bedrock:InvokeModel on {self._model}." if code == "AccessDeniedException" else None
        return ConfigError(f"Bedrock refused to embed ({code}): {reason}", where=self._model, hint=hint)

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        config = Config(
            connect_timeout=10,
            read_timeout=30,
            max_pool_connections=_TOGETHER,
            retries={"total_max_attempts": 5, "mode": "standard"},
        )
        try:
            return boto3.Session().client("bedrock-runtime", region_name=self._region, config=config)
        except BotoCoreError as error:
            raise ConfigError(
                f"Bedrock cannot be used: {error}", hint="Set AWS_REGION and credentials, as for any AWS tool."
            ) from None
