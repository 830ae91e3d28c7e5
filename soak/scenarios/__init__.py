"""The attacks, in the order in which they run."""
