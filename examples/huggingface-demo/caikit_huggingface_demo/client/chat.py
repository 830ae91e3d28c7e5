"""A chat whose answers appear while they are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from .answers import write
from .context import Context, Listen
from .forms import add_examples
from .problems import PROBLEMS, ReplacedError, complaint
from .turns import Turn

Messages = list[dict[str, Any]]


class Chat:
    kind = "ServerStreaming"

    def build(self, context: Context, examples: Sequence[Any]) -> None:
        chat = gr.Chatbot(
            label="Chat", height=340, allow_tags=False, feedback_options=None, buttons=["copy_all"]
        )
        text = gr.Textbox(label="Input Text (hit enter to send)", placeholder="Say something")
        with gr.Row():
            context.add_stop()
            clear = gr.Button("Clear", size="sm")
        add_examples(examples, [text])

        def send(request: gr.Request, text: str, history: Messages, model_id: str | None) -> Iterator[Any]:
            if not (text or "").strip():
                yield gr.skip(), gr.skip()
                return
            with context.turns.take(request.session_hash, context.name) as turn:
                messages = list(history or [])
                emptied: Any = ""
                try:
                    listen = context.listener(self.kind, model_id or "", turn)
                    for messages in converse(listen, text, history):
                        yield messages, emptied
                        # From here on the box has what is typed while the answer comes.
                        emptied = gr.skip()
                except ReplacedError:
                    pass
                except PROBLEMS as problem:
                    yield [*messages, {"role": "assistant", "content": complaint(problem)}], emptied

        def tell(text: str, history: Messages, model_id: str) -> Messages:
            *_, last = converse(context.listener(self.kind, model_id, Turn()), text, history)
            return last

        text.submit(
            send,
            [text, chat, context.model],
            [chat, text],
            api_visibility="private",
            show_progress="hidden",
            concurrency_limit=None,
            trigger_mode="multiple",
        )

        def empty(request: gr.Request) -> Messages:
            context.turns.stop(request.session_hash, context.name)
            return []

        clear.click(empty, None, [chat], api_visibility="private")
        context.add_api(tell, {"text": text, "history": chat}, [chat])


def converse(listen: Listen, text: str, history: Messages) -> Iterator[Messages]:
    """The chat with the question, and then with more and more of the answer."""
    history = list(history or [])
    if not (text or "").strip():
        yield history
        return
    before = [{"role": message["role"], "content": _plain(message["content"])} for message in history]
    with_question = [*history, {"role": "user", "content": text}]
    yield with_question
    for (said,) in write(listen, text, history=before):
        yield [*with_question, {"role": "assistant", "content": said}]


def _plain(content: Any) -> str:
    """The text of a message; the page may divide it into parts."""
    if isinstance(content, list):
        return "".join(map(_plain, content))
    return str(content.get("text") or "") if isinstance(content, dict) else str(content)
