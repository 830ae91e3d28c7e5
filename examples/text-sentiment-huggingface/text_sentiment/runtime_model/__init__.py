"""Modules of the library."""

from .hf_module import HuggingFaceSentimentModule, HuggingFaceSentimentTask

__all__ = ["HuggingFaceSentimentModule", "HuggingFaceSentimentTask"]
