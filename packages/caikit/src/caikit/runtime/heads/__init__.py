"""Protocols: each head turns the bytes of one protocol into operations and back."""
