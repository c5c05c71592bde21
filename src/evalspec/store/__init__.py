"""What was answered and what was run, kept in one SQLite file. Knows nothing of specs or scoring."""
