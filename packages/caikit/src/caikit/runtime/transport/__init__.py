"""Sockets and framing; no tasks, no models."""
