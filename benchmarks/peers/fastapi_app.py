"""FastAPI on uvicorn, with pydantic models and plain functions, which run in threads."""

from collections.abc import AsyncIterator

import answers
import uvicorn
from command_line import PATHS, SILENT_SECONDS, options
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


class Request(BaseModel):
    model_id: str
    inputs: str


class Score(BaseModel):
    label: str
    score: float


class Scores(BaseModel):
    results: list[Score]


class Vector(BaseModel):
    values: list[float]


app = FastAPI()


@app.post(PATHS["tiny"])
def tiny(request: Request) -> Scores:
    return Scores(
        results=[Score(label=label, score=score) for label, score in answers.scores(request.inputs)]
    )


@app.post(PATHS["busy"])
def busy(request: Request) -> Scores:
    return Scores(
        results=[Score(label=label, score=score) for label, score in answers.busy_scores(request.inputs)]
    )


@app.post(PATHS["vector"])
def vector(request: Request) -> Vector:
    return Vector(values=answers.numbers(request.inputs))


@app.post(PATHS["tokens"])
async def tokens(request: Request) -> StreamingResponse:
    return StreamingResponse(events(request.inputs), media_type="text/event-stream")


async def events(text: str) -> AsyncIterator[str]:
    for token in answers.tokens(text):
        yield f'data: {{"text": "{token}"}}\n\n'


if __name__ == "__main__":
    chosen = options(__doc__)
    uvicorn.run(
        "fastapi_app:app",
        host="127.0.0.1",
        port=chosen.port,
        workers=chosen.workers,
        access_log=False,
        log_level="warning",
        timeout_keep_alive=SILENT_SECONDS,
    )
