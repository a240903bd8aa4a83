"""Commands that print figures, each beside what it is compared with, measured in the same run."""
