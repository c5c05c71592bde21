"""Text to tree. The only room that knows Lark; it knows shapes and no names of the language."""
