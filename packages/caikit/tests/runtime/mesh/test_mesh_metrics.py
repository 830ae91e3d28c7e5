"""What is counted about the models of a mesh."""

from __future__ import annotations

import socket
import urllib.request


def test_names_and_labels(start_mesh):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mesh = start_mesh(metrics={"enabled": True, "port": port, "host": "127.0.0.1"})
    mesh.load("counted", mesh.make_model("counted"))
    mesh.ask("x", ("mm-model-id-bin", b"counted"))
    mesh.status()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    assert 'rpc_in_progress_gauge{rpc_name="loadModel"} 0.0' in text
    assert 'rpc_in_progress_gauge{rpc_name="runtimeStatus"} 0.0' in text
    assert 'predict_rpc_count_total{code="OK",grpc_request="HearTaskRequest",model_id="counted"} 1.0' in text
