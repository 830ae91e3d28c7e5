"""Sends recorded calls to a server and compares the answers."""
