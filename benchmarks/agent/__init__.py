"""Benchmarks of the agent: chats, groundedness, turns."""
