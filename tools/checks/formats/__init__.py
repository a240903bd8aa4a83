"""Checks as files: our own YAML, and the formats of tools that a team runs already."""
