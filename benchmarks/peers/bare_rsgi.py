"""The ASGI function of bare_asgi.py for the interface of Granian's own."""

import json

import answers
from bare_asgi import TASKS, answer_of


async def app(scope, protocol):
    text = json.loads(await protocol())["inputs"]
    task = TASKS[scope.path]
    if task == "tokens":
        transport = protocol.response_stream(200, [("content-type", "text/event-stream")])
        for token in answers.tokens(text):
            await transport.send_str(f'data: {{"text": "{token}"}}\n\n')
        return
    answer = json.dumps(answer_of(task, text)).encode()
    protocol.response_bytes(200, [("content-type", "application/json")], answer)
