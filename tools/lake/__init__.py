"""Where tables, files and SQL live: one protocol, a folder and AWS behind it, one dialect in front."""
