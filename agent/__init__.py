"""The model side: it plans and narrates, and never knows. Every fact in an answer comes from `tools`."""
