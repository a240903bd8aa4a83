"""`de-copilot ask` and `de-copilot chat`: questions in plain words. The only commands that load the model side."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from knowledge.errors import CopilotError, InputError
from ui.audit import open_audit
from ui.chats import open_memory
from ui.commands.exits import exit_codes
from ui.commands.options import JsonOption, LakeOption, open_lake, settings_for
from ui.commands.output import Output
from ui.markdown import blocks
from ui.state import log_failure, state_dir

if TYPE_CHECKING:
    from agent.copilot import Copilot
    from agent.direct import DirectCopilot
    from agent.events import Answer, Event

__all__ = ["ask", "chat"]

MOST_HISTORY = 1_000
HELP = """\
Ask anything about the lake: what breaks, where something comes from, what a job does, what a table holds.
/new  begin a new conversation      /help  this text      /quit or Ctrl-D  leave      Ctrl-C  stop an answer
"""


def ask(
    ctx: typer.Context,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="The question; quote it. A lone - reads it from standard input.")
    ],
    thread: Annotated[
        str | None,
        typer.Option("--thread", metavar="NAME", help="Go on with the conversation of this name.", show_default=False),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write the files that the answer drafts.")] = False,
    receipts: Annotated[
        bool,
        typer.Option("--receipts", help="Below the answer: each tool call, the places it rests on, bytes scanned."),
    ] = False,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Answer one question in plain words, with the evidence behind every fact.

    The exit code is that of the error when all that could be said is an error (a name that is not there).

    \b
    Examples:
      de-copilot ask "what breaks if I drop product_group"
      de-copilot ask "where does risk_score come from" --json
      de-copilot ask "write tests for dim_product" --yes
      de-copilot ask "how many rows does dim_product have" --receipts
    """
    output = Output(json)
    asked = _question(question)
    copilot = _copilot(ctx, lake, remember=True) if thread is not None else _for_one_question(ctx, lake)
    turn = _Turn(copilot.stream(asked, _thread_id(ctx, lake, thread)), output)
    turn.write()
    written = _written(ctx, lake, turn.answer) if yes else []
    if json:
        output.data({**turn.answer.to_dict(), **({"written": written} if yes else {})})
    elif written:
        output.text("".join(f"Written: {path}\n" for path in written))
    if receipts and not json:
        output.markdown(_receipts(turn.answer))
    if turn.answer.id and turn.answer.tool_calls and not json:
        output.step(f"receipts: de-copilot replay {turn.answer.id}")
    raise typer.Exit(turn.exit_code)


def _receipts(answer: Answer) -> str:
    """What each tool call of an answer rests on, as a list."""
    from tools.receipts import in_words, receipt

    lines = []
    for artifact in answer.artifacts:
        told = ", ".join(f"{k}={v}" for k, v in (artifact.get("args") or {}).items())
        lines.append(f"- `{artifact.get('tool', artifact['kind'])}({told})`: {in_words(receipt(artifact))}")
    return "\n\n**Receipts**\n\n" + ("\n".join(lines) or "No tool was called.") + "\n"


def _written(ctx: typer.Context, lake: Path | None, answer: Answer) -> list[str]:
    """Writes what an answer drafted, as the person asked for with the question."""
    from tools.toolbox import WRITE, call_tool

    ws = open_lake(ctx, lake)
    drafted = [a for a in answer.artifacts if a.get("files")]
    made = [call_tool(ws, WRITE, {"tool": a["tool"], "args": a["args"]}).to_dict() for a in drafted]
    return [str(path) for data in made for path in data["paths"]]


def chat(
    ctx: typer.Context,
    thread: Annotated[
        str | None,
        typer.Option("--thread", metavar="NAME", help="Go on with the conversation of this name.", show_default=False),
    ] = None,
    lake: LakeOption = None,
) -> None:
    """Talk with the copilot in the terminal. It remembers what was said before.

    \b
    Example:
      de-copilot chat --lake .demo/wealth
    """
    output = Output()
    copilot = _copilot(ctx, lake, remember=thread is not None)
    output.step("Ask about the lake. /help says more, /quit or Ctrl-D leaves.")
    talk = _thread_id(ctx, lake, thread)
    with _history():
        while (said := _read_line()) is not None:
            if said in ("/quit", "/exit", "/q"):
                return
            if said == "/new":
                talk = uuid.uuid4().hex
                output.step("A new conversation.")
            elif said.startswith("/"):
                output.text(HELP if said == "/help" else f"There is no {said}.\n{HELP}")
            elif said:
                _answer(copilot, said, talk, output)


def _answer(copilot: Copilot, said: str, thread: str, output: Output) -> None:
    """One turn. A failure or Ctrl-C ends the answer and not the chat."""
    try:
        _Turn(copilot.stream(said, thread), output).write()
    except CopilotError as error:
        output.error(error.to_dict())
    except KeyboardInterrupt:
        output.step("stopped")
    except Exception as error:  # noqa: BLE001 - the chat goes on; the log has the details
        log = log_failure(error)
        output.error({"message": "Something went wrong." + (f" The details are in {log}" if log else "")})
    output.text("\n")


class _Turn:
    """One answer on its way: steps go to standard error, the answer to standard output.

    A terminal shows the answer while it is written; a pipe gets it when it is whole.
    """

    def __init__(self, events: Iterable[Event], output: Output) -> None:
        self._events, self._output = events, output
        self._shown = ""
        self.answer: Answer

    def write(self) -> None:
        """Follows the events to their end."""
        for block in blocks(self._words()):
            if not self._output.json:
                self._output.markdown(block)

    @property
    def exit_code(self) -> int:
        """0; 1 when the turn failed; the error's own code when no tool had anything but that error to say."""
        if self.answer.error is not None:
            return CopilotError.exit_code
        kinds = {str(a["kind"]) for a in self.answer.artifacts}
        if kinds != {"error"}:
            return 0
        codes = exit_codes()
        return codes.get(str(self.answer.artifacts[-1]["data"].get("error")), CopilotError.exit_code)

    def _words(self) -> Iterator[str]:
        for event in self._events:
            match event.kind:
                case "token" if self._output.console.is_terminal:
                    self._shown += event.data["text"]
                    yield event.data["text"]
                case "tool_start":
                    self._output.step(f"· {event.data['name']}  {_args(event.data['args'])}")
                    yield "\n\n" if self._shown else ""
                case "answer":
                    self.answer = event.data["answer"]
        yield self._rest()

    def _rest(self) -> str:
        """What of the answer is not on the screen: all of it, or what came after the last word."""
        said, shown = self.answer.answer, self._shown
        if said.strip() and said.strip() in shown:
            return ""
        return said[len(shown) :] if said.startswith(shown) else f"\n\n{said}"


def _args(args: Mapping[str, Any]) -> str:
    return "  ".join(f"{name}={value}" for name, value in args.items() if value is not None)


def _copilot(ctx: typer.Context, lake: Path | None, *, remember: bool) -> Copilot:
    """The copilot of a lake; one that remembers keeps its conversations beyond this run, on this machine."""
    ws = open_lake(ctx, lake)
    from agent.copilot import build_copilot

    return build_copilot(ws, checkpointer=open_memory() if remember else None, audit=open_audit(ws.settings))


def _for_one_question(ctx: typer.Context, lake: Path | None) -> Copilot | DirectCopilot:
    """Without a model and without a thread there is nothing for an agent framework to do, and much to load."""
    ws = open_lake(ctx, lake)
    if ws.settings.model == "offline":
        from agent.direct import DirectCopilot

        return DirectCopilot(ws, open_audit(ws.settings))
    from agent.copilot import build_copilot

    return build_copilot(ws, audit=open_audit(ws.settings))


def _thread_id(ctx: typer.Context, lake: Path | None, name: str | None) -> str:
    """A name means one conversation for each lake; without a name it is a new one."""
    return f"{settings_for(ctx, lake).lake.resolve()} {name}" if name else uuid.uuid4().hex


def _question(given: str) -> str:
    question = (sys.stdin.read() if given == "-" else given).strip()
    if not question:
        raise InputError("The question is empty", hint='Ask something, such as "what breaks if I drop a column".')
    return question


# --------------------------------------------------------------------------- the terminal


def _read_line() -> str | None:
    """What was typed; empty after Ctrl-C, None at the end of input."""
    prompt = "> " if sys.stdin.isatty() else ""
    try:
        return input(prompt).strip()
    except EOFError:
        if prompt:
            sys.stdout.write("\n")
        return None
    except KeyboardInterrupt:
        sys.stdout.write("\n")
        return ""


@contextmanager
def _history() -> Iterator[None]:
    """Arrow keys and what was typed in earlier chats, where the system has readline."""
    try:
        import readline
    except ImportError:
        yield
        return
    file = state_dir() / "chat_history"
    with suppress(OSError):
        readline.read_history_file(file)
    readline.set_history_length(MOST_HISTORY)
    try:
        yield
    finally:
        with suppress(OSError):
            readline.write_history_file(file)
