"""Exceptions of the runtime."""
