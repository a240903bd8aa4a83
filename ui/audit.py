"""Where questions are recorded: the file that the settings name, else one in this user's state folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ui.state import state_dir

if TYPE_CHECKING:
    from agent.audit import AuditLog
    from tools.settings import Settings

__all__ = ["open_audit"]

FILE = "audit.jsonl"


def open_audit(settings: Settings) -> AuditLog | None:
    """The audit log of these settings; None when it is switched off."""
    from agent.audit import AuditLog

    if settings.audit.off:
        return None
    return AuditLog(settings.audit.path or state_dir() / FILE)
