"""Asking candidates over real sockets."""
