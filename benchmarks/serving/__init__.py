"""Servers beside each other: what a call costs, and how that grows."""
