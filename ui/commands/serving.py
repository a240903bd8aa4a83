"""`de-copilot ui` and `de-copilot demo`: the chat page as a child process that is watched over until it ends."""

from __future__ import annotations

import errno
import os
import platform
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from knowledge.errors import InputError, Unavailable
from ui.commands.options import JsonOption, LakeOption, open_lake, settings_for
from ui.commands.output import Output

__all__ = ["demo", "mcp", "ui"]

PORT = 8501
PORTS_TRIED = 50
STARTING = 60.0  # seconds; a cold disk may take most of it, a warm one takes two
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}

HostOption = Annotated[str, typer.Option("--host", help="The address to listen on.")]
PortOption = Annotated[
    int, typer.Option("--port", min=1, max=65535, help="The port; the next free one if it is taken.")
]


@dataclass(frozen=True)
class Page:
    """What is to be served, and where. Without a lake the settings name it."""

    lake: Path | None
    host: str
    port: int
    open_browser: bool


@dataclass(frozen=True)
class Address:
    """Where the page is."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """As a browser on this machine takes it."""
        host = EVERYWHERE.get(self.host, f"[{self.host}]" if ":" in self.host else self.host)
        return f"http://{host}:{self.port}"


def ui(
    ctx: typer.Context,
    lake: LakeOption = None,
    port: PortOption = PORT,
    host: HostOption = "127.0.0.1",
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    json: JsonOption = False,
) -> None:
    """Serve the chat page until Ctrl-C. Only this machine can reach it, unless --host says otherwise.

    \b
    Examples:
      de-copilot ui --lake .demo/wealth --open
      de-copilot ui --host 0.0.0.0 --port 8080
    """
    told = lake or ctx.obj.lake
    page = Page(told.absolute() if told else None, host, port, open_browser)
    raise typer.Exit(_serve(page, Output(json), check=lambda: _is_there(ctx, lake)))


def demo(
    path: Annotated[Path, typer.Option("--path", metavar="PATH", help="Where the demo lake is, or will be.")] = Path(
        ".demo/wealth"
    ),
    traps: Annotated[
        bool, typer.Option("--traps", help="Plant texts that try to give orders to an assistant, for security tests.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Build it again even if it is there.")] = False,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the chat in the browser.")] = True,
    build_only: Annotated[bool, typer.Option("--build-only", help="Build the lake and stop.")] = False,
    port: PortOption = PORT,
    host: HostOption = "127.0.0.1",
    json: JsonOption = False,
) -> None:
    """Build a small wealth manager's lake, if it is not there, and open the chat on it.

    \b
    Example:
      de-copilot demo --path .demo/wealth
    """
    output = Output(json)
    _build(path, traps, force, output)
    if build_only:
        if json:
            output.data({"lake": str(path.absolute())})
        return
    page = Page(path.absolute(), host, port, open_browser and _has_display())
    raise typer.Exit(_serve(page, output, check=lambda: None))


def _build(path: Path, traps: bool, force: bool, output: Output) -> None:
    from examples.wealth.build import build_demo, is_built

    if not force and is_built(path, traps=traps):
        output.step(f"the demo lake is in {path}")
        return
    output.step(f"building the demo lake in {path}")
    began = time.monotonic()
    build_demo(path, traps=traps, progress=output.step)
    output.step(f"built in {time.monotonic() - began:.0f} s")


# --------------------------------------------------------------------------- the child


def _is_there(ctx: typer.Context, lake: Path | None) -> None:
    """Raises what opening the lake raises, where that is plain to see: it is better told here than on the page."""
    if not settings_for(ctx, lake).lake.is_dir():
        open_lake(ctx, lake)


def _serve(page: Page, output: Output, check: Callable[[], None]) -> int:
    """Runs the page until it or this command is stopped; the exit code. `check` is made while the server starts."""
    address = Address(page.host, _free_port(page.host, page.port))
    if address.port != page.port:
        output.step(f"port {page.port} is taken, {address.port} is used")
    with suppress(KeyboardInterrupt), _child(page.lake, address) as server:
        check()
        _wait_until_it_answers(server, address)
        _announce(address, output)
        if page.open_browser:
            webbrowser.open(address.url)
        return max(server.wait(), 0)
    return 0  # stopped by whoever started it


@contextmanager
def _child(lake: Path | None, address: Address) -> Iterator[subprocess.Popen[bytes]]:
    """The server's process. It ends with this block, and by itself should this process be killed."""
    home = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-P", "-m", "ui.serve", "--watched", "--start", str(Path.cwd())]
    command += ["--host", address.host, "--port", str(address.port)]
    command += ["--lake", str(lake)] if lake else []
    paths = [str(home), *filter(None, [os.environ.get("PYTHONPATH")])]
    server = subprocess.Popen(
        command,
        cwd=home / "ui",  # not the user's folder: settings of Streamlit projects of theirs are not ours
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    before = signal.signal(signal.SIGTERM, _stop_politely)
    try:
        yield server
    finally:
        signal.signal(signal.SIGTERM, before)
        _end(server)


def _stop_politely(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.terminate()
    try:
        server.wait(timeout=5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    if server.stdin:
        server.stdin.close()


def _wait_until_it_answers(server: subprocess.Popen[bytes], address: Address) -> None:
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise Unavailable("The chat page did not start", hint="Run `de-copilot doctor`; what it said is above.")
        try:
            with urllib.request.urlopen(f"{address.url}/_stcore/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise Unavailable(f"The chat page did not answer at {address.url} within {STARTING:.0f} s")


def _announce(address: Address, output: Output) -> None:
    if output.json:
        output.data({"url": address.url})
    else:
        output.text(f"\n  The chat is open at {address.url}\n  Ctrl-C ends it.\n\n")
    sys.stdout.flush()


def _free_port(host: str, wanted: int) -> int:
    """The wanted port or the next free one. Raises InputError when there is none or the address is not ours."""
    last = min(wanted + PORTS_TRIED, 65536) - 1
    for port in range(wanted, last + 1):
        try:
            _try_to_listen(host, port)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                what = f"{host} is not an address to listen on: {error.strerror or error}"
                raise InputError(what, hint="Try --host 127.0.0.1.") from None
        else:
            return port
    raise InputError(f"No port from {wanted} to {last} is free", hint="Name another with --port.")


def _try_to_listen(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":  # elsewhere it would let two servers share a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _has_display() -> bool:
    """Whether a browser window can appear. In a bare terminal `webbrowser` might start one that takes it over."""
    if platform.system() == "Linux":
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True


def mcp(
    ctx: typer.Context,
    http: Annotated[
        int | None,
        typer.Option(
            "--http", metavar="PORT", help="Serve streamable HTTP on this machine; else standard input and output."
        ),
    ] = None,
    allow_writes: Annotated[
        bool, typer.Option("--allow-writes", help="Also offer the tool that writes to output/.")
    ] = False,
    lake: LakeOption = None,
) -> None:
    """Serve the same tools to MCP clients: IDEs, desktop assistants, other agents. Read-only unless told otherwise.

    \b
    Examples:
      de-copilot mcp --lake .demo/wealth
      de-copilot mcp --http 8765
    """
    ws = open_lake(ctx, lake)
    from agent.audit import Recorder
    from ui.audit import open_audit
    from ui.mcp import build_server

    log = open_audit(ws.settings)
    recorder = None if log is None else Recorder(ws, log, "mcp client")
    server = build_server(ws, allow_writes=allow_writes, recorder=recorder)
    if http is None:
        server.run("stdio")
    else:
        server.run("streamable-http", host="127.0.0.1", port=http)
