"""Reads Python job scripts into plans by abstract interpretation of their syntax tree. Nothing of them is ever run."""

from __future__ import annotations

from tools.jobs.session import Session

__all__ = ["lower_script"]


def lower_script(text: str, session: Session) -> None:
    """Reads a whole Python script into the session's plan.

    Never raises for anything in the script: what cannot be read is an Unknown of the plan, with file, line and reason.
    """
    from tools.jobs.python.script import read_script

    read_script(text, session)
