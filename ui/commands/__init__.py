"""What each command of `de-copilot` does. Heavy things are imported inside the command that needs them."""
