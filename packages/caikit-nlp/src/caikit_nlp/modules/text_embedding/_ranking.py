"""Documents of a request, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.data_model.json_dict import JsonDict
from caikit.core.exceptions import error_handler
from caikit.interfaces.nlp.data_model import RerankScore, RerankScores

if TYPE_CHECKING:
    from ...toolkit._batches import Rows

__all__ = ["check_request", "ranking", "texts_of"]

error = error_handler.get(alog.use_channel("RERANK"))


def check_request(queries: Any, documents: Any, top_n: Any) -> None:
    """Refuse what cannot be ranked."""
    error.type_check("<NLP09038249E>", list, queries=queries, documents=documents)
    error.type_check_all("<NLP09038250E>", str, queries=queries)
    error.type_check_all("<NLP09038251E>", dict, documents=documents)
    error.type_check("<NLP09038252E>", int, allow_none=True, top_n=top_n)
    if not queries or not documents:
        error("<NLP09038253E>", ValueError("Cannot rerank without a query and at least one document"))


def texts_of(documents: Sequence[JsonDict]) -> list[str]:
    """The text of each document."""
    return [_text_of(document, index) for index, document in enumerate(documents)]


def _text_of(document: JsonDict, index: int) -> str:
    text = document.get("text") or document.get("_text") or ""
    if not isinstance(text, str):
        error(
            "<NLP09038254E>",
            TypeError(f"expected a str as the text of document {index}, got {type(text).__name__}"),
        )
    return text


def ranking(
    scores: Rows,
    documents: Sequence[JsonDict],
    *,
    top_n: int | None,
    query: str | None,
    return_documents: bool | None,
    return_text: bool | None,
) -> RerankScores:
    """The documents of the highest scores, the best first; equal ones keep their order."""
    import numpy as np

    order = np.argsort(-scores, kind="stable").tolist()
    texts = texts_of(documents)
    count = top_n if top_n and top_n > 0 else len(order)
    return RerankScores(
        query=query,
        scores=[
            RerankScore(
                document=documents[index] if return_documents else None,
                index=index,
                score=float(scores[index]),
                text=texts[index] if return_text else None,
            )
            for index in order[:count]
        ],
    )
