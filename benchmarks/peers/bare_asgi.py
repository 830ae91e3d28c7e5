"""An ASGI function without a framework."""

import json

import answers
from command_line import PATHS

TASKS = {path: task for task, path in PATHS.items()}


async def app(scope, receive, send):
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    text = json.loads(body)["inputs"]
    task = TASKS[scope["path"]]
    await (stream(text, send) if task == "tokens" else answer(task, text, send))


async def answer(task, text, send):
    body = json.dumps(answer_of(task, text)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def answer_of(task, text):
    if task == "vector":
        return {"values": answers.numbers(text)}
    score = answers.busy_scores if task == "busy" else answers.scores
    return {"results": [{"label": label, "score": score} for label, score in score(text)]}


async def stream(text, send):
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for token in answers.tokens(text):
        data = b'data: {"text": "%b"}\n\n' % token.encode()
        await send({"type": "http.response.body", "body": data, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
