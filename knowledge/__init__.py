"""What is remembered between runs: records, snapshots, documents. The lowest room: it knows no other."""
