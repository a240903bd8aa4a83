"""The engine: deterministic, and usable without any model."""
