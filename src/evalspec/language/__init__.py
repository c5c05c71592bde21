"""What the language means: its schema as data, its expressions and prompts, and the typed program."""
