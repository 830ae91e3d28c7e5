"""Tells a container platform whether the runtime in this container is alive and ready.

Reads the configuration of the runtime, but imports nothing of it: a probe is a process of its own every few seconds.
"""
