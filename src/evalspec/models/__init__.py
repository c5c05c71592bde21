"""The candidates: what is asked, what comes back, and the ways to ask. Knows nothing of scoring."""
