"""`de-copilot ui`: the page's server is a child that is watched over, whoever ends whom."""

import time
from pathlib import Path

from tests.ui.serving import Server, serving

PORT = "18501"


def gone(server: Server) -> bool:
    """Whether the server has ended within a while."""
    for _ in range(100):
        if not server.answers():
            return True
        time.sleep(0.1)
    return False


def test_it_answers_on_this_machine_takes_the_next_port_and_ends_when_told(shop: Path, tmp_path: Path) -> None:
    with serving(shop, tmp_path, "--port", PORT) as first, serving(shop, tmp_path, "--port", PORT) as second:
        assert first.url.startswith("http://127.0.0.1:")
        assert first.answers()
        assert second.answers()
        assert second.port > first.port

        first.process.terminate()

        assert first.process.wait(timeout=30) == 0
        assert gone(first)
        assert second.answers()


def test_it_does_not_outlive_a_command_that_was_killed(shop: Path, tmp_path: Path) -> None:
    with serving(shop, tmp_path, "--port", PORT) as server:
        server.process.kill()

        assert gone(server)


def test_a_lake_that_is_not_there_is_told_before_anything_is_served(command, tmp_path: Path) -> None:
    said = command("ui", "--lake", str(tmp_path / "nowhere"))

    assert said.code == 3
    assert "nowhere" in said.err


def test_an_address_that_is_not_this_machines(command, shop: Path) -> None:
    said = command("ui", "--host", "192.0.2.1", "--json", lake=shop)

    assert (said.code, said.data["error"]) == (2, "bad_input")
