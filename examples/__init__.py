"""Example lakes that ship with the copilot."""
