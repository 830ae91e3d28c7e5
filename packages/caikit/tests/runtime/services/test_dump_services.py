"""The command line that writes interface files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = {
    "text_sentiment/config.yml": "runtime:\n  library: text_sentiment\n  http:\n    enabled: false\n",
    "text_sentiment/__init__.py": """
import os
import caikit
from . import runtime_model
caikit.configure(os.path.join(os.path.dirname(__file__), "config.yml"))
""",
    "text_sentiment/data_model.py": """
from typing import List
from caikit.core import DataObjectBase
from caikit.core.data_model import dataobject

@dataobject(package="text_sentiment.data_model")
class ClassInfo(DataObjectBase):
    class_name: str
    confidence: float

@dataobject(package="text_sentiment.data_model")
class ClassificationPrediction(DataObjectBase):
    classes: List[ClassInfo]

@dataobject(package="text_sentiment.data_model")
class TextInput(DataObjectBase):
    text: str
""",
    "text_sentiment/runtime_model.py": """
from caikit.core import ModuleBase, TaskBase, module, task
from .data_model import ClassificationPrediction, TextInput

@task(required_parameters={"text_input": TextInput}, output_type=ClassificationPrediction)
class HuggingFaceSentimentTask(TaskBase):
    pass

@module("8f72161-c0e4-49b0-8fd0-7587b3017a35", "HuggingFaceSentimentModule", "0.0.1", HuggingFaceSentimentTask)
class HuggingFaceSentimentModule(ModuleBase):
    def run(self, text_input: TextInput) -> ClassificationPrediction:
        return ClassificationPrediction([])
""",
}


@pytest.fixture
def library(tmp_path):
    for name, text in LIBRARY.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def dump(folder: Path, *arguments: str) -> None:
    script = "import sys, text_sentiment; from caikit.runtime import dump_services; dump_services.main(sys.argv[1:])"
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", script, *arguments]
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=60)


def test_a_library_is_written_one_file_per_object(library):
    (library / "out").mkdir()
    (library / "out" / "stale.txt").write_text("")
    dump(library, "out", "--clean", "--write-modules-json")
    written = {path.name for path in (library / "out").iterdir()}
    assert "stale.txt" not in written
    assert {
        "caikit.runtime.TextSentiment.huggingfacesentimenttaskrequest.proto",
        "text_sentiment.data_model.textinput.proto",
        "textsentimentservice.proto",
        "textsentimentjobservice.proto",
        "textsentimenttrainingservice.proto",
        "trainingmanagement.proto",
        "infoservice.proto",
    } <= written
    assert "openapi.json" not in written
    service = (library / "out" / "textsentimentservice.proto").read_text()
    assert (
        "rpc HuggingFaceSentimentTaskPredict(caikit.runtime.TextSentiment.HuggingFaceSentimentTaskRequest) "
        "returns (text_sentiment.data_model.ClassificationPrediction);"
    ) in service
    assert (
        "service TextSentimentTrainingService {\n}"
        in (library / "out" / "textsentimenttrainingservice.proto").read_text()
    )
    assert "8f72161-c0e4-49b0-8fd0-7587b3017a35" in (library / "modules.json").read_text()


def test_a_library_is_written_one_file_per_package(library):
    dump(library, "out", "--consolidate-packages")
    text = (library / "out" / "caikit_runtime_TextSentiment.proto").read_text()
    assert 'import "text_sentiment_data_model.proto";' in text
    assert "text_sentiment.data_model.TextInput text_input = 1;" in text
    assert text.index("service TextSentimentJobService") < text.index("service TextSentimentService")
