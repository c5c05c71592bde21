"""Asking: jobs go in, their results come out; limits, retries and the store in between. Knows no scores."""
