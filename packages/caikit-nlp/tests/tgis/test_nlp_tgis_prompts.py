"""Tuned prompts that a text generation server puts in front of texts."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from caikit_nlp.modules.text_generation import PeftPromptTuning, PeftPromptTuningTGIS

VERBALIZER = "Text: {{input}} Is:"


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    folder = tmp_path / "prompts"
    folder.mkdir()
    return folder


@pytest.fixture
def backend(make_backend: Callable[..., Any], texts: Any, prompts: Path) -> Any:
    return make_backend(connection={"hostname": texts.hostname, "prompt_dir": str(prompts)})


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    file = tmp_path / "decoder.pt"
    file.write_bytes(b"vectors")
    return file


def test_a_text_with_a_prompt(backend: Any, texts: Any, prompts: Path, vectors: Path) -> None:
    model = PeftPromptTuningTGIS("llama", "mine", "</s>", VERBALIZER, [str(vectors)], backend)
    assert (prompts / "mine" / "decoder.pt").read_bytes() == b"vectors"
    found = model.run("a cow", max_new_tokens=1, preserve_input_text=True)
    assert found.generated_text == "Text: a cow Is:<mine> gold"
    assert found.producer_id == PeftPromptTuning.PRODUCER_ID
    pieces = model.run_stream_out("a cow", max_new_tokens=1)
    assert [piece.generated_text for piece in pieces] == ["<mine>", " gold"]
    assert model.run_tokenizer("a cow").token_count == 2
    assert {request.model_id for request in texts.servicer.requests} == {"llama"}


@pytest.mark.parametrize("unloads", [False, True])
def test_the_end_of_a_prompt(
    backend: Any,
    prompts: Path,
    vectors: Path,
    temp_config: Callable[[dict[str, Any]], None],
    unloads: bool,
) -> None:
    temp_config({"unload_tgis_prompt_artifacts": unloads})
    model = PeftPromptTuningTGIS("llama", "mine", None, VERBALIZER, [str(vectors)], backend)
    assert (prompts / "mine").is_dir()
    del model
    gc.collect()
    assert (prompts / "mine").is_dir() != unloads


def test_saved_and_loaded(backend: Any, tmp_path: Path, vectors: Path) -> None:
    model = PeftPromptTuningTGIS("llama", "mine", "</s>", VERBALIZER, [str(vectors)], backend)
    model.save(str(tmp_path / "mine"))
    config = yaml.safe_load((tmp_path / "mine" / "config.yml").read_text())
    assert {
        key: config[key] for key in ("base_model_name", "prompt_cache_id", "eos_token", "verbalizer")
    } == {
        "base_model_name": "llama",
        "prompt_cache_id": "mine",
        "eos_token": "</s>",
        "verbalizer": VERBALIZER,
    }
    assert config["module_id"] == PeftPromptTuning.MODULE_ID
    loaded = PeftPromptTuningTGIS.load(str(tmp_path / "mine"), backend)
    assert loaded.run("a", max_new_tokens=1) == model.run("a", max_new_tokens=1)


def test_without_a_backend() -> None:
    model = PeftPromptTuningTGIS("llama", "mine", None, VERBALIZER)
    for method in ("run", "run_stream_out", "run_tokenizer"):
        with pytest.raises(
            ValueError,
            match=f"Backend must be configured and loaded with this module before executing `{method}` call",
        ):
            getattr(model, method)("a")


def test_what_is_refused(backend: Any, make_backend: Callable[..., Any], texts: Any, vectors: Path) -> None:
    with pytest.raises(ValueError, match="no renderable placeholders"):
        PeftPromptTuningTGIS("llama", "mine", None, "nothing")
    without = make_backend(connection={"hostname": texts.hostname})
    with pytest.raises(ValueError, match="No prompt_dir configured"):
        PeftPromptTuningTGIS("llama", "mine", None, VERBALIZER, [str(vectors)], without)
    number: Any = 7
    with pytest.raises(TypeError):
        PeftPromptTuningTGIS("llama", "mine", None, VERBALIZER, [], backend).run(number)
