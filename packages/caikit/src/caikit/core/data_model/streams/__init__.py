"""Lazy, re-iterable streams of data and the helpers around them."""
