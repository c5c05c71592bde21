"""Doors to neighbours: what other tools wrote, as specs."""
