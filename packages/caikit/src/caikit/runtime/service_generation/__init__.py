"""Documented import paths of what `caikit.runtime.services` makes."""
