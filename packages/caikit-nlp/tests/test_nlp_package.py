"""What the package brings when it is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = "torch transformers sentence_transformers peft tokenizers onnxruntime onnx grpc starlette pandas"

ABSENT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in set({names!r}.split()):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_an_import_is_light() -> None:
    done = run(
        "import sys, caikit_nlp, caikit_nlp.modules, caikit_nlp.resources.pretrained_model\n"
        f"print([name for name in {HEAVY!r}.split() if name in sys.modules])"
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_public_names() -> None:
    import caikit
    import caikit_nlp
    from caikit_nlp.modules import text_embedding

    assert sorted(caikit_nlp.__all__) == sorted(set(caikit_nlp.__all__))
    assert all(hasattr(caikit_nlp, name) for name in caikit_nlp.__all__)
    assert caikit_nlp.text_embedding is text_embedding
    assert caikit_nlp.load == caikit.load
    assert caikit.get_config().runtime.library == "caikit_nlp"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            "embedding",
            (
                "embeddings and cross-encoders with the torch engine need the package sentence_transformers, which is "
                "not installed: pip install 'caikit-nlp[embeddings]'"
            ),
        ),
        (
            "classifier",
            (
                "models of the transformers library need the package transformers, which is not installed: "
                "pip install 'caikit-nlp[torch]'"
            ),
        ),
    ],
)
def test_a_missing_library_is_named(saved_encoders: Path, model: str, message: str) -> None:
    code = ABSENT.format(names="torch transformers sentence_transformers") + (
        "import caikit, caikit_nlp\n"
        "caikit.configure(config_dict={'embedding': {'engine': 'torch'}})\n"
        "try:\n    caikit_nlp.load(sys.argv[1])\n"
        "except ImportError as missing:\n    print(missing)\n"
    )
    done = run(code, str(saved_encoders / model))
    assert done.stdout.strip() == message, done.stderr


def test_onnx_missing(saved_encoders: Path) -> None:
    code = ABSENT.format(names="onnxruntime") + (
        "import caikit, caikit_nlp\n"
        "caikit.configure(config_dict={'embedding': {'engine': 'onnx'}})\n"
        "try:\n    caikit_nlp.load(sys.argv[1])\n"
        "except ImportError as missing:\n    print(missing)\n"
    )
    assert "pip install 'caikit-nlp[onnx]'" in run(code, str(saved_encoders / "embedding")).stdout


FIELDS = {
    "EmbeddingTaskRequest": "string text = 1; optional int64 truncate_input_tokens = 2;",
    "EmbeddingTasksRequest": "repeated string texts = 1; optional int64 truncate_input_tokens = 2;",
    "SentenceSimilarityTaskRequest": "string source_sentence = 1; repeated string sentences = 2; "
    "optional int64 truncate_input_tokens = 3;",
    "SentenceSimilarityTasksRequest": "repeated string source_sentences = 1; repeated string sentences = 2; "
    "optional int64 truncate_input_tokens = 3;",
    "RerankTaskRequest": "string query = 1; repeated google.protobuf.Struct documents = 2; optional int64 top_n = 3; "
    "optional int64 truncate_input_tokens = 4; optional bool return_documents = 5; optional bool return_query = 6; "
    "optional bool return_text = 7;",
    "RerankTasksRequest": "repeated string queries = 1; repeated google.protobuf.Struct documents = 2; "
    "optional int64 top_n = 3; optional int64 truncate_input_tokens = 4; optional bool return_documents = 5; "
    "optional bool return_queries = 6; optional bool return_text = 7;",
    "TextClassificationTaskRequest": "string text = 1;",
    "TokenClassificationTaskRequest": "string text = 1; optional double threshold = 2;",
    "BidiStreamingTokenClassificationTaskRequest": "string text_stream = 1; optional double threshold = 2;",
    "TokenizationTaskRequest": "string text = 1;",
}
RPCS = [
    (
        "BidiStreamingTokenClassificationTaskPredict(stream caikit.runtime.Nlp.BidiStreamingTokenClassificationTaskRequest) "
        "returns (stream caikit_data_model.nlp.TokenClassificationStreamResult);"
    ),
    *(
        f"{task}Predict(caikit.runtime.Nlp.{task}Request) returns (caikit_data_model.{result});"
        for task, result in {
            "TextClassificationTask": "nlp.ClassificationResults",
            "TokenClassificationTask": "nlp.TokenClassificationResults",
            "TokenizationTask": "nlp.TokenizationResults",
            "EmbeddingTask": "caikit_nlp.EmbeddingResult",
            "EmbeddingTasks": "caikit_nlp.EmbeddingResults",
            "SentenceSimilarityTask": "caikit_nlp.SentenceSimilarityResult",
            "SentenceSimilarityTasks": "caikit_nlp.SentenceSimilarityResults",
            "RerankTask": "caikit_nlp.RerankResult",
            "RerankTasks": "caikit_nlp.RerankResults",
        }.items()
    ),
]


def test_the_generated_service(tmp_path: Path) -> None:
    done = run(
        "import sys, caikit_nlp\nfrom caikit.runtime.dump_services import main\nsys.exit(main([sys.argv[1]]))",
        str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    service = (tmp_path / "nlpservice.proto").read_text()
    for rpc in RPCS:
        assert f"  rpc {rpc}\n" in service
    for name, fields in FIELDS.items():
        text = (tmp_path / f"caikit.runtime.Nlp.{name.lower()}.proto").read_text()
        body = text.partition(f"message {name} {{")[2].partition("}")[0]
        lines = [line.strip() for line in body.splitlines() if "=" in line]
        assert " ".join(lines) == fields
    assert "service NlpJobService" in (tmp_path / "nlpjobservice.proto").read_text()
