"""Language models that learn a few dozen sentences by heart."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from ._tokenizers import END, PAD, START, train_tokenizer
from ._training import fit

_IGNORED = -100
_BATCH = 16


def save_chat_model(folder: Path, conversations: Sequence[tuple[str, str]]) -> None:
    tokenizer = train_tokenizer([text for turns in conversations for text in turns], words=600)
    chats = [[turn] for turn in conversations]
    # People write carelessly, and say one thing after the other.
    chats += [[(question.lower().rstrip("?!."), answer)] for question, answer in conversations]
    for _ in range(2):
        chats += [[random.choice(conversations), turn] for turn in conversations]
    texts = [tokenizer.apply_chat_template(_messages(chat), tokenize=False) for chat in chats]
    _save_causal(folder, tokenizer, texts, steps=300, new_tokens=80)


def save_text_model(folder: Path, sentences: Sequence[str]) -> None:
    tokenizer = train_tokenizer(sentences, words=900)
    _save_causal(folder, tokenizer, [f"{sentence}</s>" for sentence in sentences], steps=260, new_tokens=40)


def save_headline_model(folder: Path, pairs: Sequence[tuple[str, str]]) -> None:
    tokenizer = train_tokenizer([text for pair in pairs for text in pair], words=700, adds_end=True)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=64,
        d_kv=16,
        d_ff=128,
        num_layers=2,
        num_heads=4,
        dropout_rate=0.0,
        pad_token_id=PAD,
        eos_token_id=END,
        decoder_start_token_id=PAD,
    )
    model = T5ForConditionalGeneration(config)
    articles = _padded(tokenizer, [article for article, _ in pairs])
    headlines = _padded(tokenizer, [headline for _, headline in pairs])
    labels = headlines["input_ids"].masked_fill(headlines["attention_mask"] == 0, _IGNORED)
    fit(model, steps=150, rate=4e-3, loss=lambda: model(**articles, labels=labels).loss)
    model.generation_config.max_new_tokens = 30
    _save(folder, tokenizer, model)


def _messages(chat: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [
        message
        for question, answer in chat
        for message in ({"role": "user", "content": question}, {"role": "assistant", "content": answer})
    ]


def _save_causal(
    folder: Path, tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], *, steps: int, new_tokens: int
) -> None:
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=96,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        pad_token_id=PAD,
        eos_token_id=END,
        bos_token_id=START,
    )
    model = LlamaForCausalLM(config)
    rows = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]

    def loss() -> torch.Tensor:
        chosen = [rows[index] for index in torch.randperm(len(rows))[:_BATCH].tolist()]
        length = max(map(len, chosen))
        tokens = torch.tensor([row + [PAD] * (length - len(row)) for row in chosen])
        mask = (tokens != PAD).long()
        result = model(tokens, attention_mask=mask, labels=tokens.masked_fill(mask == 0, _IGNORED)).loss
        assert isinstance(result, torch.Tensor)
        return result

    fit(model, steps=steps, rate=4e-3, loss=loss)
    model.generation_config.max_new_tokens = new_tokens
    _save(folder, tokenizer, model)


def _padded(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> dict[str, torch.Tensor]:
    batch = tokenizer(list(texts), padding=True, return_tensors="pt")
    return {name: batch[name] for name in ("input_ids", "attention_mask")}


def _save(folder: Path, tokenizer: PreTrainedTokenizerFast, model: Any) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
