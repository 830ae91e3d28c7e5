"""Where the interfaces are imported from, and what that loads."""

from __future__ import annotations

import importlib
import subprocess
import sys
import typing

import pytest

import caikit.core.data_model
from caikit.interfaces import common, nlp, runtime

COMMON = """File BoolSequence FloatSequence IntSequence Sequence StrSequence ProducerId ConnectionInfo ConnectionTlsInfo
    FileReference ListOfFileReferences ListOfVector1D NpFloat32Sequence NpFloat64Sequence PyFloatSequence Vector1D
    primitive_sequences producer vectors file remote stream_sources"""
NLP = """NLP_PACKAGE FinishReason GeneratedToken GeneratedTextResult TokenStreamDetails GeneratedTextStreamResult
    ClassificationTrainRecord ClassificationResult ClassificationResults TokenClassificationResult
    TokenClassificationResults TokenClassificationStreamResult ClassifiedGeneratedTextResult
    ClassifiedGeneratedTextStreamResult Token TokenizationResults TokenizationStreamResult
    ChunkerTokenizationStreamResult EmbeddingResult EmbeddingResults RerankScore RerankScores RerankResult RerankResults
    SentenceSimilarityScores SentenceSimilarityResult SentenceSimilarityResults
    classification embedding_vectors package reranker sentence_similarity text text_generation"""
RUNTIME = """TrainingInfoRequest TrainingJob ModelPointer TrainingStatusResponse DeployModelRequest UndeployModelRequest
    PredictionJobInfoRequest PredictionJob PredictionJobStatusResponse RuntimeInfoRequest RuntimeInfoResponse
    ModelInfoRequest ModelInfo ModelInfoResponse RuntimeServerContextType TrainingStatus JobStatus"""


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("common.data_model", COMMON),
        (
            "common.data_model.stream_sources",
            "FileReference ListOfFileReferences Directory S3Base S3Files S3Path",
        ),
        ("common.data_model.producer", "ProducerId ProducerPriority"),
        ("nlp.data_model", NLP),
        ("nlp.data_model.classification", "InputWarning InputWarningReason"),
        ("runtime.data_model", RUNTIME),
        ("runtime.data_model.training_management", "ModelPointer TrainingStatusResponse"),
    ],
)
def test_names(module: str, names: str) -> None:
    imported = importlib.import_module(f"caikit.interfaces.{module}")
    missing = [name for name in names.split() if not hasattr(imported, name)]
    assert missing == []
    assert [name for name in imported.__all__ if not hasattr(imported, name)] == []


def test_shared_classes_are_one() -> None:
    assert common.data_model.ProducerId is caikit.core.data_model.ProducerId
    assert (
        runtime.data_model.JobStatus is runtime.data_model.TrainingStatus is caikit.core.data_model.JobStatus
    )
    assert not hasattr(nlp.data_model, "InputWarning")


def test_importing_is_light() -> None:
    program = (
        "import sys, caikit.interfaces.common, caikit.interfaces.runtime.data_model, caikit.interfaces.nlp.tasks;"
        "print([name for name in ('numpy', 'grpc', 'starlette', 'fastapi', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_context_type_is_a_union_of_names() -> None:
    members = typing.get_args(runtime.data_model.RuntimeServerContextType)
    assert [member.__forward_arg__ for member in members] == ["grpc.ServicerContext", "fastapi.Request"]
