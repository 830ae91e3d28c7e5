"""Loading of models of the transformers library."""

from __future__ import annotations

import threading

__all__ = ["LOADING"]

LOADING = threading.RLock()
"""Held while a model is made from its files.

The library replaces functions of torch and its default data type meanwhile, for the whole process. Two loads at the
same time leave models without weights, and torch with the replaced functions.
"""
