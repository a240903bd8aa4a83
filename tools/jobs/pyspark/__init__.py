"""PySpark as the reader knows it: frames, columns, windows, readers, writers and functions that build a plan."""
