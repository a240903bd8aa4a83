"""Personal data: which columns and values look like it, and how it is kept from whoever should not see it.

Detection is by name, by comment and by the form of values; it knows no model. Who is kept from what is decided at the
edges: the agent before a language model, MCP before its client, the audit log before it writes.
"""

from tools.privacy.columns import PersonalColumns
from tools.privacy.mask import Masker, masker_for, placeholders
from tools.privacy.values import mask_patterns

__all__ = ["Masker", "PersonalColumns", "mask_patterns", "masker_for", "placeholders"]
