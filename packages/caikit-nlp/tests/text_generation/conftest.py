"""Tiny language models with random weights, the same ones in every session."""

from __future__ import annotations

import os

# Before the libraries are imported.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SENTENCES = [
    "The cow ate the grass.",
    "The dragon hoarded gold and the cow hoarded grass.",
    "What a day it was when the dragon ate the cow!",
]


def byte_tokenizer(*, ends: bool) -> Any:
    """A byte-level tokenizer, which any text survives; `ends` adds the end of the sequence to each text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=354,
        special_tokens=["<pad>", "</s>", "<s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    if ends:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="$A </s>", special_tokens=[("</s>", 1)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", bos_token="<s>"
    )


def make_gpt2(tokenizer: Any) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer),
            n_embd=32,
            n_layer=2,
            n_head=4,
            n_positions=128,
            initializer_range=0.5,
            bos_token_id=2,
            eos_token_id=1,
            pad_token_id=0,
        )
    )


def make_bloom(tokenizer: Any) -> Any:
    from transformers import BloomConfig, BloomForCausalLM

    return BloomForCausalLM(
        BloomConfig(
            vocab_size=len(tokenizer), hidden_size=32, n_layer=2, n_head=4, initializer_range=0.5,
            bos_token_id=2, eos_token_id=1, pad_token_id=0,
        )
    )  # fmt: skip


def make_llama(tokenizer: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, intermediate_size=64, max_position_embeddings=128, initializer_range=0.5,
            bos_token_id=2, eos_token_id=1, pad_token_id=0,
        )
    )  # fmt: skip


def make_t5(tokenizer: Any) -> Any:
    from transformers import T5Config, T5ForConditionalGeneration

    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4,
            initializer_factor=2.0, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
        )
    )  # fmt: skip


def make_bart(tokenizer: Any) -> Any:
    from transformers import BartConfig, BartForConditionalGeneration

    return BartForConditionalGeneration(
        BartConfig(
            vocab_size=len(tokenizer), d_model=32, encoder_layers=2, decoder_layers=2,
            encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64,
            max_position_embeddings=64, init_std=0.5, pad_token_id=0, bos_token_id=2, eos_token_id=1,
            decoder_start_token_id=1, forced_eos_token_id=None,
        )
    )  # fmt: skip


MAKERS = {"gpt2": make_gpt2, "bloom": make_bloom, "llama": make_llama, "t5": make_t5, "bart": make_bart}


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Directories of models, by the kind of model."""
    import torch

    root = tmp_path_factory.mktemp("tiny")
    folders = {}
    for name, make in MAKERS.items():
        tokenizer = byte_tokenizer(ends=name in ("t5", "bart"))
        with torch.random.fork_rng():
            torch.manual_seed(1)
            model = make(tokenizer)
        folder = root / name
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        folders[name] = str(folder)
    return folders


@pytest.fixture(scope="session")
def causal(tiny_models: dict[str, str]) -> Any:
    """A model that continues texts."""
    from caikit_nlp.modules.text_generation import TextGeneration

    return TextGeneration.bootstrap(tiny_models["gpt2"])


@pytest.fixture(scope="session")
def seq2seq(tiny_models: dict[str, str]) -> Any:
    """A model that answers texts."""
    from caikit_nlp.modules.text_generation import TextGeneration

    return TextGeneration.bootstrap(tiny_models["bart"])


@pytest.fixture(scope="session")
def loss_records() -> list[Any]:
    """Examples to train with."""
    from caikit_nlp.data_model import GenerationTrainRecord

    return [GenerationTrainRecord(input=f"cow {number}", output="grass") for number in range(10)]


class GenerationServers:
    """A gRPC and an HTTP server that share models, and calls of both."""

    def __init__(self, grpc_server: Any, http_server: Any, folder: Path) -> None:
        from caikit.runtime.service_factory import ServicePackageFactory

        kinds = ServicePackageFactory.ServiceType
        self.folder = folder
        self.channel = grpc_server.make_local_channel()
        self.url = f"http://127.0.0.1:{http_server.port}"
        self.package = ServicePackageFactory.get_service_package(kinds.INFERENCE)
        self.stub = self.package.stub_class(self.channel)
        self.training = ServicePackageFactory.get_service_package(kinds.TRAINING)
        self.training_stub = self.training.stub_class(self.channel)

    def post(self, route: str, model_id: str, inputs: Any, **parameters: Any) -> Any:
        import requests

        body = {"model_id": model_id, "inputs": inputs, "parameters": parameters}
        return requests.post(f"{self.url}/api/v1/task/{route}", json=body, timeout=30)

    def call(self, rpc: str, model_id: str, **fields: Any) -> Any:
        request = getattr(self.package.messages, rpc.removesuffix("Predict") + "Request")(**fields)
        return getattr(self.stub, rpc)(request, metadata=[("mm-model-id", model_id)], timeout=30)


@pytest.fixture(scope="session")
def generation_servers(
    causal: Any, seq2seq: Any, tiny_models: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GenerationServers]:
    """Servers with the models `causal`, `seq2seq` and `endless`, which has no limit of positions."""
    import caikit
    from caikit.config import config as config_module
    from caikit.runtime.grpc_server import RuntimeGRPCServer
    from caikit.runtime.http_server import RuntimeHTTPServer
    from caikit_nlp.modules.text_generation import TextGeneration

    folder = tmp_path_factory.mktemp("models")
    causal.save(str(folder / "causal"))
    seq2seq.save(str(folder / "seq2seq"))
    TextGeneration.bootstrap(tiny_models["bloom"]).save(str(folder / "endless"))
    with contextlib.ExitStack() as stack:
        with config_module.preserved():
            caikit.configure(
                config_dict={
                    "runtime": {
                        "library": "caikit_nlp",
                        "local_models_dir": str(folder),
                        "lazy_load_local_models": True,
                        "training": {"output_dir": str(folder), "save_with_id": False},
                        "grpc": {
                            "port": 0,
                            "host": "127.0.0.1",
                            "unix_socket_path": "",
                            "server_thread_pool_size": 2,
                        },
                        "http": {"port": 0, "host": "127.0.0.1"},
                        "metrics": {"enabled": False},
                    }
                }
            )
            grpc_server = stack.enter_context(RuntimeGRPCServer())
            http_server = stack.enter_context(RuntimeHTTPServer())
        servers = GenerationServers(grpc_server, http_server, folder)
        stack.callback(servers.channel.close)
        yield servers
