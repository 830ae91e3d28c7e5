"""A chat whose answers appear while they are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
import grpc

from .context import Context, complaint
from .forms import add_examples
from .turns import Turn

Messages = list[dict[str, Any]]


class Chat:
    def build(self, context: Context, examples: Sequence[Any]) -> None:
        chat = gr.Chatbot(
            label="Chat", height=340, allow_tags=False, feedback_options=None, buttons=["copy_all"]
        )
        text = gr.Textbox(label="Input Text (hit enter to send)", placeholder="Say something")
        with gr.Row():
            context.add_stop(gr.Button("Stop", size="sm"))
            clear = gr.Button("Clear", size="sm")
        add_examples(examples, [text])

        def send(request: gr.Request, text: str, history: Messages, model_id: str | None) -> Iterator[Any]:
            with context.turns.take(request.session_hash, context.tab) as turn:
                messages = list(history or [])
                try:
                    for messages in converse(context, turn, text, history, model_id):
                        yield messages, ""
                except grpc.RpcError as error:
                    yield [*messages, {"role": "assistant", "content": complaint(error)}], ""

        def tell(text: str, history: Messages, model_id: str) -> Messages:
            *_, last = converse(context, Turn(), text, history, model_id)
            return last

        text.submit(
            send,
            [text, chat, context.model],
            [chat, text],
            api_visibility="private",
            show_progress="hidden",
            concurrency_limit=None,
        )

        def empty(request: gr.Request) -> Messages:
            context.turns.stop(request.session_hash, context.tab)
            return []

        clear.click(empty, None, [chat], api_visibility="private")
        context.add_api(tell, {"text": text, "history": chat}, [chat])


def converse(
    context: Context, turn: Turn, text: str, history: Messages, model_id: str | None
) -> Iterator[Messages]:
    """The chat with the question, and then with more and more of the answer."""
    history = list(history or [])
    if not ((text or "").strip() and model_id):
        yield history
        return
    before = [{"role": message["role"], "content": _plain(message["content"])} for message in history]
    with_question = [*history, {"role": "user", "content": text}]
    yield with_question
    for said in context.listen(model_id, turn, text_in=text, history=before):
        yield [*with_question, {"role": "assistant", "content": said}]


def _plain(content: Any) -> str:
    """The text of a message; the page may divide it into parts."""
    if isinstance(content, list):
        return "".join(map(_plain, content))
    return str(content.get("text") or "") if isinstance(content, dict) else str(content)
