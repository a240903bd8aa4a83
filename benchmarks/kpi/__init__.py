"""The Data Time Machine against a rebuild, and against the least that any answer has to read."""
