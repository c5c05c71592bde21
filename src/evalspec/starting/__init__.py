"""First specs: a small one that runs as it stands, and one over a user's own data."""
