"""From a candidate's response to what it said, how sure it was, and whether it was right. Pure functions."""
