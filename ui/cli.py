"""`de-copilot`: the command line. Wiring only: which commands there are, and how any failure is told.

Nothing heavy is imported here: `--help` must not load an engine, a model or a page. No failure shows a traceback
unless `--debug` asks for it.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from knowledge.errors import CopilotError
from ui.commands import changes, facts, keeping, lakes, quality, reading, receipts, serving, talk, writing
from ui.commands.doctor import doctor
from ui.commands.exits import INTERNAL, INTERRUPTED
from ui.commands.options import Globals
from ui.commands.output import Output

__all__ = ["app", "main", "run"]

app = typer.Typer(
    name="de-copilot",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: it reads the same in a pipe, and starts faster
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        try:
            sys.stdout.write(f"de-copilot {version('de-copilot')}\n")
        except PackageNotFoundError:
            sys.stdout.write("de-copilot (not installed: running from its source)\n")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    lake: Annotated[
        Path | None,
        typer.Option("--lake", metavar="PATH", help="The lake's folder, for any command.", show_default=False),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of failures.")] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """The copilot for data engineers: what breaks, where it comes from, proven from your own lake.

    \b
    Examples:
      de-copilot demo
      de-copilot ask "what breaks if I drop product_group"
      de-copilot impact "drop column dim_product.product_group" --json

    Exit codes: 0 done; 1 failed; 2 the command was not put right; 3 a name was not found; 4 a name
    is ambiguous; 5 a query was refused; 6 a limit was hit; 7 a service did not answer; 70 a fault of
    this program; 130 interrupted.
    """
    ctx.obj = Globals(lake, debug)


for command in (
    talk.ask,
    talk.chat,
    receipts.replay,
    serving.ui,
    serving.demo,
    serving.mcp,
    lakes.init,
    facts.impact,
    changes.diff,
    changes.simulate,
    changes.review,
    facts.lineage,
    keeping.history,
    keeping.snapshot,
    keeping.import_,
    facts.schema,
    facts.stats,
    facts.query,
    facts.job,
    quality.analyze,
    quality.document,
    quality.tests,
    quality.check,
    writing.contract,
    reading.read_job,
    facts.search,
    facts.assets,
    facts.tables,
    doctor,
):
    app.command(command.__name__.rstrip("_").replace("_", "-"))(command)


def main() -> None:
    """The console command."""
    # A command makes objects that live until it ends; looking for garbage among them costs a tenth of its time.
    gc.set_threshold(100_000, 20, 20)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code. Whatever fails is told in a sentence, or as JSON with `--json`."""
    output = Output("--json" in arguments)
    try:
        return int(app(list(arguments), prog_name="de-copilot", standalone_mode=False) or 0)
    except CopilotError as error:
        output.error(error.to_dict())
        return error.exit_code
    except TyperException as error:
        output.error({"error": "usage", "message": _usage(error)})
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`| head`). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort: no failure may reach people as a traceback
        return _crashed(error, output, "--debug" in arguments)


def _usage(error: TyperException) -> str:
    ctx = getattr(error, "ctx", None)
    said = error.format_message().strip().rstrip(".")
    ends = "" if said.endswith("?") else "."
    return f"{said}{ends} See '{ctx.command_path} --help'." if ctx is not None else f"{said}{ends}"


def _crashed(error: Exception, output: Output, debug: bool) -> int:
    if debug:
        raise error
    from ui.state import log_failure

    log = log_failure(error)
    kept = f"The details are in {log}" if log else "The details could not be kept"
    output.error(
        {
            "error": "internal",
            "message": f"Something went wrong inside de-copilot: {type(error).__name__}. {kept}; "
            "`de-copilot --debug …` shows them.",
            "log": str(log) if log else None,
        }
    )
    return INTERNAL


if __name__ == "__main__":
    main()
