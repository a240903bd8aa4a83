"""Past documents by meaning: runbooks, incident notes, decisions, contracts and reports, cut into chunks and indexed.

`chunks` cuts a text at its headings; an `Index` keeps the chunks with their vectors: `EmbeddedIndex` in a folder of its
own, `ServedIndex` on a Chroma server that a team shares. Which files there are, and what they mean for the lake, is for
`tools.documents` to know.
"""

from knowledge.documents.chunks import SUFFIXES, Chunk, chunks, kinds_in
from knowledge.documents.embedded import EmbeddedIndex
from knowledge.documents.index import Entry, Hit, Index
from knowledge.documents.served import ServedIndex

__all__ = ["SUFFIXES", "Chunk", "EmbeddedIndex", "Entry", "Hit", "Index", "ServedIndex", "chunks", "kinds_in"]
