"""Attacks on running servers, and what must be true during and after them."""
