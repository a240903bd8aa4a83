"""The faces: everything a person or a program can call. They show what the other rooms compute, and compute nothing."""
