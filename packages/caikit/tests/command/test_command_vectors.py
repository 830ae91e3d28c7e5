"""Vectors look the same over both protocols."""

from __future__ import annotations

import pytest

LIBRARY = '''
"""Vectors of all kinds of numbers."""
import numpy
from caikit.core import ModuleBase, TaskBase, module, task
from caikit.interfaces.common.data_model import ListOfVector1D, Vector1D

@task(unary_parameters={"kind": str}, unary_output_type=ListOfVector1D)
class EmbedTask(TaskBase):
    pass

@module("5e7fed00-0000-4000-8000-00000000000b", "Embedder", "1.0.0", task=EmbedTask)
class Embedder(ModuleBase):
    def run(self, kind: str) -> ListOfVector1D:
        numbers = [0.1, 2.0, -3.25] if kind != "empty" else []
        vector = numbers if kind in ("list", "empty") else numpy.array(numbers, dtype=kind)
        return ListOfVector1D([Vector1D.from_vector(vector)])

    @classmethod
    def load(cls, model_path: str) -> "Embedder":
        return cls()
'''


@pytest.fixture
def server(serve, tmp_path):
    pytest.importorskip("numpy")
    model = tmp_path / "models" / "embedder"
    model.mkdir(parents=True)
    (model / "config.yml").write_text("module_id: 5e7fed00-0000-4000-8000-00000000000b\n")
    (tmp_path / "embeddings.py").write_text(LIBRARY)
    return serve(tmp_path)


def test_vectors(quick, server):
    for kind in ("list", "float32", "float64", "empty"):
        grpc, http = (
            quick("call", "embed", "-m", "embedder", f"kind={kind}", "-s", server.address(protocol))
            for protocol in ("grpc", "http")
        )
        assert (grpc.code, grpc.out) == (0, http.out), (grpc.err, http.err)
        (vector,) = grpc.json["vectors"]
        assert vector["data"]["values"] == pytest.approx([] if kind == "empty" else [0.1, 2.0, -3.25])
