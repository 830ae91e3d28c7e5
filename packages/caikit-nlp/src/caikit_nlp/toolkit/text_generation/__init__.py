"""Generating text, one token after the other."""
