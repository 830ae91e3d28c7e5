"""Tokenizers that learn their words from a few texts."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

PAD, END, START, USER, ASSISTANT = range(5)
_SPECIAL = ["<pad>", "</s>", "<s>", "<|user|>", "<|assistant|>"]

_CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '</s>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def train_tokenizer(texts: Sequence[str], *, words: int, adds_end: bool = False) -> PreTrainedTokenizerFast:
    """Pairs of bytes, so that any text can be written; only frequent words of the texts are short."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=words, special_tokens=_SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    if adds_end:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="$A </s>", special_tokens=[("</s>", END)]
        )
    special = {"pad_token": _SPECIAL[PAD], "eos_token": _SPECIAL[END], "bos_token": _SPECIAL[START]}
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=256, **special)
    wrapped.chat_template = _CHAT_TEMPLATE
    return wrapped
