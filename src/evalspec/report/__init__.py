"""Values made readable: the only room that turns results and diagnostics into text."""
