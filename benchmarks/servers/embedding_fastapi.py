"""What one writes without caikit: a model of sentence-transformers in a plain handler.

usage: embedding_fastapi.py MODEL_FOLDER PORT THREADS DEVICE    (0 threads: as many as torch likes)
"""

from __future__ import annotations

import sys

import torch
import uvicorn
from embedding_times import ModelTime
from fastapi import FastAPI
from pydantic import BaseModel
from sentence_transformers import SentenceTransformer

folder, port, threads, device = sys.argv[1:]
if int(threads):
    torch.set_num_threads(int(threads))
model = SentenceTransformer(folder, device=device or None)
times = ModelTime()
times.watch(model)
app = FastAPI()


class Text(BaseModel):
    text: str


@app.post("/embedding")
def embedding(body: Text) -> dict[str, list[float]]:
    return {"embedding": model.encode(body.text, show_progress_bar=False).tolist()}


@app.get("/times")
def spent() -> dict[str, float]:
    return {"cpu_seconds": times.seconds, "tokens": times.tokens, "padded": times.padded}


uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning", access_log=False)
