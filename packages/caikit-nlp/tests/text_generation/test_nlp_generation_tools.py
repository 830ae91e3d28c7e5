"""The data model and the tools that generation is made of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from caikit.core.data_model import DataStream
from caikit.interfaces.nlp.data_model import ClassificationTrainRecord
from caikit_nlp.data_model import (
    ExponentialDecayLengthPenalty,
    GenerationTrainRecord,
    PromptOutputModelType,
    TuningConfig,
)
from caikit_nlp.modules.text_generation import TextGeneration
from caikit_nlp.resources.pretrained_model import HFAutoCausalLM, HFAutoSeq2SeqLM
from caikit_nlp.toolkit.task_specific_utils import convert_to_generation_record
from caikit_nlp.toolkit.verbalizer_utils import is_valid_verbalizer, render_verbalizer


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (GenerationTrainRecord, {"input": (1, "string"), "output": (2, "string")}),
        (
            TuningConfig,
            {
                "num_virtual_tokens": (1, "int64"),
                "prompt_tuning_init_text": (2, "string"),
                "prompt_tuning_init_method": (3, "string"),
                "prompt_tuning_init_source_model": (4, "string"),
                "output_model_types": (5, "repeated string"),
            },
        ),
        (ExponentialDecayLengthPenalty, {"start_index": (1, "int64"), "decay_factor": (2, "double")}),
    ],
)
def test_messages(message: Any, fields: dict[str, tuple[int, str]]) -> None:
    descriptor = message.get_proto_class().DESCRIPTOR
    types = {descriptor.fields[0].TYPE_STRING: "string", 3: "int64", 1: "double"}
    found = {
        field.name: (field.number, ("repeated " if field.is_repeated else "") + types[field.type])
        for field in descriptor.fields
    }
    assert found == fields
    assert descriptor.full_name == f"caikit_data_model.caikit_nlp.{message.__name__}"
    assert not any(field.has_presence for field in descriptor.fields)


def test_parts_of_models() -> None:
    assert {each.name: each.value for each in PromptOutputModelType} == {
        "ENCODER": "ENCODER",
        "DECODER": "DECODER",
    }


@pytest.mark.parametrize(
    ("verbalizer", "valid"),
    [("{{input}}", True), ("a {{x_1}} b", True), ("{{ input }}", False), ("{input}", False), (3, False)],
)
def test_valid_verbalizers(verbalizer: object, valid: bool) -> None:
    assert is_valid_verbalizer(verbalizer) is valid


def test_verbalizers_are_rendered() -> None:
    record = GenerationTrainRecord(input="{{output}}", output="b")
    assert render_verbalizer("{{input}} and {{output}}{{output}}", record) == "{{output}} and bb"
    assert render_verbalizer("<{{input}}>", {"input": "a"}) == "<a>"
    with pytest.raises(ValueError, match="`other`"):
        render_verbalizer("{{other}}", {"input": "a"})
    with pytest.raises(ValueError, match="`other`"):
        render_verbalizer("{{other}}", record)


def test_records_are_converted() -> None:
    record = convert_to_generation_record(ClassificationTrainRecord(text="a", labels=["x", "y"]))
    assert record == GenerationTrainRecord(input="a", output="x,y")
    assert convert_to_generation_record(record) is record
    with pytest.raises(TypeError, match="train_record"):
        convert_to_generation_record("a")  # type: ignore[arg-type]  # that is the test


def test_streams_are_read_in_each_epoch() -> None:
    from caikit_nlp.toolkit.data_stream_wrapper import SimpleIterableStreamWrapper

    stream = DataStream.from_iterable(list(range(20)))
    plain = SimpleIterableStreamWrapper(stream)
    assert (list(plain), list(plain), len(plain)) == (list(range(20)), list(range(20)), 20)
    shuffled = SimpleIterableStreamWrapper(stream, shuffle=True)
    first, second = list(shuffled), list(shuffled)
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second


def test_the_kind_of_a_model_decides_how_it_is_loaded(tiny_models: dict[str, str]) -> None:
    # Models like BART are on the lists of both kinds.
    assert isinstance(TextGeneration.bootstrap(tiny_models["bart"]).model, HFAutoSeq2SeqLM)
    assert isinstance(TextGeneration.bootstrap(tiny_models["gpt2"]).model, HFAutoCausalLM)


def test_models_are_loaded_by_several_threads(tiny_models: dict[str, str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(TextGeneration.bootstrap, [tiny_models["bart"], tiny_models["gpt2"]] * 3))
    assert len({model.run("The cow").generated_text for model in models}) == 2


def test_resources_are_saved_and_loaded(tiny_models: dict[str, str], tmp_path: Any) -> None:
    resource = HFAutoCausalLM.bootstrap(tiny_models["gpt2"])
    resource.save(str(tmp_path))
    loaded = HFAutoCausalLM.load(str(tmp_path))
    assert loaded.tokenizer.padding_side == "left"
    assert TextGeneration("m", loaded).run("cow") == TextGeneration("m", resource).run("cow")


@pytest.mark.parametrize("included", [True, False])
def test_stop_sequences_at_every_cut(included: bool) -> None:
    from caikit_nlp.toolkit.text_generation._text import StopMatcher

    text, stops = "ab abc abcabd tail", ["abcabd", "zzz", ""]
    for size in range(1, len(text)):
        matcher = StopMatcher(stops, included=included)
        told = ""
        for start in range(0, len(text), size):
            told += matcher.push(text[start : start + size])
            if matcher.stopped:
                break
        assert told == ("ab abc abcabd" if included else "ab abc ")
    matcher = StopMatcher(["abx"], included=included)
    assert matcher.push("ab") + matcher.push("") + matcher.finish() == "ab"


def test_text_grows_by_whole_characters(causal: Any) -> None:
    from caikit_nlp.toolkit.text_generation._text import TextBuilder

    tokenizer = causal.model.tokenizer
    text = "grüße 🐄 ok"
    builder = TextBuilder(tokenizer, tokenizer("The cow")["input_ids"])
    pieces = [builder.add(token) for token in tokenizer(text)["input_ids"]]
    assert "".join(pieces) + builder.finish() == text
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(pieces)
    assert "" in pieces
