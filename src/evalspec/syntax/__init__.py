"""Text to tree. It knows shapes and no names of the language; Lark is needed only to renew its table."""
