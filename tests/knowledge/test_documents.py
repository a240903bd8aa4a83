"""Past documents: cut at headings, found by meaning, and never lost between processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.documents import Chunk, EmbeddedIndex, Entry, Index, ServedIndex, chunks
from knowledge.embeddings import bundled
from knowledge.errors import ConfigError, ReadError, Unavailable
from tests.servers import free_port, listening

RUNBOOK = """# Runbook: orders_job

Owner: sales. Last tested: 2026-03-04.

## Failures we know
### The file is late
Wait for the carrier, then start `orders_job` again.

```
# not a heading
```

## Empty
"""


def test_a_document_is_cut_at_its_headings_and_each_chunk_knows_its_line() -> None:
    found = chunks("docs/runbook_orders.md", RUNBOOK)
    assert [(c.line, c.headings[1:]) for c in found] == [(3, ()), (7, ("Failures we know", "The file is late"))]
    assert "# not a heading" in found[1].text
    assert {(c.kind, c.date) for c in found} == {("runbook", "2026-03-04")}


def test_a_long_section_is_cut_between_paragraphs() -> None:
    text = "\n\n".join(f"Paragraph {i}. " + "word " * 60 for i in range(20))
    found = chunks("docs/long.txt", text)
    assert len(found) > 3
    lines = text.splitlines()
    assert all(c.text.splitlines()[0] == lines[c.line - 1] for c in found)
    assert sum(c.text.count("Paragraph") for c in found) == 20


def test_html_is_read_by_its_tags_without_scripts_and_comments() -> None:
    html = "<h1>Note</h1>\n<!-- hidden --><script>x()</script><p>Sales fell &amp; rose.</p>\n<h2>Why</h2>\n<p>Rain.</p>"
    found = chunks("docs/incident_2026-01-02.html", html)
    assert [(c.headings, c.text) for c in found] == [(("Note",), "Sales fell & rose."), (("Note", "Why"), "Rain.")]
    assert (found[0].kind, found[0].date) == ("incident", "2026-01-02")


@given(st.text(max_size=400), st.sampled_from([".md", ".html", ".txt", ".yaml"]))
def test_no_text_stops_the_cutting(text: str, suffix: str) -> None:
    for chunk in chunks(f"docs/x{suffix}", text):
        assert chunk.text.strip()
        assert chunk.line >= 1


# --------------------------------------------------------------------------- one behaviour, two places


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Chroma server on loopback."""
    port, folder = free_port(), tmp_path_factory.mktemp("chroma")
    chroma = Path(sys.executable).with_name("chroma")
    with listening([str(chroma), "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)], port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(params=["embedded", "served"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Index:
    if request.param == "embedded":
        return EmbeddedIndex(tmp_path / "index", bundled())
    return ServedIndex(request.getfixturevalue("server"), f"test-{tmp_path.name.replace('_', '-')}", bundled())


def _entry(path: str, text: str, version: str = "1") -> dict[str, Entry]:
    return {path: Entry(version, [Chunk(path, 1, ("Title",), text)])}


def test_a_text_is_found_by_its_meaning(index: Index) -> None:
    assert index.versions() == {}
    index.update(_entry("a.md", "Invoices are paid at the end of the month.") | _entry("b.md", "The cat sleeps."))
    assert [h.chunk.path for h in index.search("when do we settle bills?", 2)] == ["a.md", "b.md"]
    assert index.versions() == {"a.md": "1", "b.md": "1"}


def test_what_changed_takes_the_place_of_what_was_known(index: Index) -> None:
    index.update(_entry("a.md", "Old words.") | _entry("b.md", "Other words."))
    index.update(_entry("a.md", "New words.", "2"), gone=["b.md"])
    assert index.versions() == {"a.md": "2"}
    assert [h.chunk.text for h in index.search("words", 9)] == ["New words."]


def test_a_name_is_found_letter_for_letter(index: Index) -> None:
    index.update(_entry("a.md", "About order_items.") | _entry("b.md", "About orders.") | _entry("c.md", "Nothing."))
    assert {h.chunk.path for h in index.search("x", 9, ["order_items", "orders"])} == {"a.md", "b.md"}


# --------------------------------------------------------------------------- several processes, and crashes

_WRITER = """
import sys
from pathlib import Path
from knowledge.documents import Chunk, EmbeddedIndex, Entry
from knowledge.embeddings import bundled
index = EmbeddedIndex(Path(sys.argv[1]), bundled())
for i in range(3):
    path = f"{sys.argv[2]}{i}.md"
    index.update({path: Entry("1", [Chunk(path, 1, (), f"text {path}")])})
"""


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path / "i"), name]) for name in ("a", "b")]
    assert [w.wait(120) for w in writers] == [0, 0]
    index = EmbeddedIndex(tmp_path / "i", bundled())
    expected = {f"{name}{i}.md" for name in "ab" for i in range(3)}
    assert set(index.versions()) == {h.chunk.path for h in index.search("text", 20)} == expected


def test_an_open_reader_sees_what_another_writer_adds(tmp_path: Path) -> None:
    reader, writer = EmbeddedIndex(tmp_path, bundled()), EmbeddedIndex(tmp_path, bundled())
    writer.update(_entry("a.md", "one"))
    assert len(reader.search("one", 9)) == 1
    writer.update(_entry("b.md", "two"))
    assert len(reader.search("one", 9)) == 2


def test_a_writer_that_dies_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    index = EmbeddedIndex(tmp_path, bundled())
    index.update(_entry("a.md", "one"))
    script = _WRITER.replace("from knowledge.embeddings import bundled", _DYING)
    process = subprocess.run([sys.executable, "-c", script, str(tmp_path), "z"], check=False)
    assert process.returncode == -signal.SIGKILL
    assert [h.chunk.path for h in index.search("one", 9)] == ["a.md"]
    index.update(_entry("b.md", "two"))
    assert set(index.versions()) == {"a.md", "b.md"}


_DYING = """from knowledge.embeddings import bundled
import os, signal
from knowledge.documents import embedded
embedded.EmbeddedIndex._point = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_that_is_being_written_is_waited_for_and_then_said_so(tmp_path: Path) -> None:
    import fcntl

    with (tmp_path / "lock").open("a") as lock:
        fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
        with pytest.raises(Unavailable, match="being written"):
            EmbeddedIndex(tmp_path, bundled(), wait_seconds=0.1).update(_entry("a.md", "one"))


def test_a_spoilt_pointer_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "current.json").write_text("{", encoding="utf-8")
    with pytest.raises(ReadError, match="cannot be read"):
        EmbeddedIndex(tmp_path, bundled()).versions()


def test_a_server_that_is_not_there_is_told_in_a_sentence() -> None:
    with pytest.raises(Unavailable, match="did not answer"):
        ServedIndex("http://127.0.0.1:9", "x", bundled()).versions()
    with pytest.raises(ConfigError, match="no address"):
        ServedIndex("chroma", "x", bundled())


def test_generations_do_not_pile_up(tmp_path: Path) -> None:
    index = EmbeddedIndex(tmp_path, bundled())
    for i in range(4):
        index.update(_entry("a.md", f"text {i}", str(i)))
    assert sum(p.is_dir() for p in tmp_path.iterdir()) == 2
