"""The plan: what a job computes, as operators over columns with ids; its lineage, grain, SQL and JSON forms."""
