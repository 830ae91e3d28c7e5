"""Models of the transformers library with their tokenizers, as parts of modules."""

from __future__ import annotations

from .base import PretrainedModelBase
from .hf_auto_causal_lm import HFAutoCausalLM
from .hf_auto_seq2seq_lm import HFAutoSeq2SeqLM
from .hf_auto_seq_classifier import HFAutoSequenceClassifier

__all__ = ["HFAutoCausalLM", "HFAutoSeq2SeqLM", "HFAutoSequenceClassifier", "PretrainedModelBase"]
