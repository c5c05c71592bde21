"""Text, places in it, quantities, and what is said about mistakes. Knows nothing of the language."""
