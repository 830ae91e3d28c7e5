"""What both kinds of models have: how they are made and kept, ranking, and their tokens."""

from __future__ import annotations

import abc
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import alog

from caikit.core import ModuleBase, ModuleConfig
from caikit.core.data_model.json_dict import JsonDict
from caikit.core.exceptions import error_handler
from caikit.interfaces.nlp.data_model import RerankResult, RerankResults, TokenizationResults
from caikit.interfaces.nlp.tasks import RerankTask, RerankTasks, TokenizationTask

from ...toolkit._batches import compute_in_batches
from ...toolkit._long_texts import check_length
from ...toolkit._tokens import Encoded
from ._artifacts import archive_model, as_engine, bootstrap_model, load_model, save_model
from ._ranking import check_request, ranking, texts_of
from ._retry import with_retries
from ._settings import EmbeddingSettings
from ._token_results import token_results

if TYPE_CHECKING:
    from ...toolkit._batches import Rows

__all__ = ["TextModel"]

error = error_handler.get(alog.use_channel("TXT_MODEL"))

Model = TypeVar("Model", bound="TextModel")


class TextModel(ModuleBase):
    """A model of sentence-transformers, computed by torch or by ONNX Runtime.

    Subclasses name the class of that library (`KIND`) and say how a query and a document are compared (`_scores`).
    """

    KIND: ClassVar[str]

    def __init__(self, model: Any) -> None:
        super().__init__()
        self._settings = EmbeddingSettings.read()
        self.model = model
        self._engine = as_engine(self.KIND, model, self._settings)

    @classmethod
    def bootstrap(cls: type[Model], *args: Any, **kwargs: Any) -> Model:
        """A model made of the arguments of the library's class: first of all a directory or a name."""
        return cls(bootstrap_model(cls.KIND, *args, **kwargs))

    @classmethod
    def load(cls: type[Model], model_path: str | ModuleConfig, *args: Any, **kwargs: Any) -> Model:
        """Load a saved model."""
        return cls(load_model(cls.KIND, model_path))

    def save(self, model_path: str, *args: Any, **kwargs: Any) -> None:
        """Write the model into a directory that does not exist yet."""
        save_model(self, self._engine, model_path)

    def as_file_like_object(self, *args: Any, **kwargs: Any) -> io.BytesIO:
        """The saved model as a zip archive."""
        return archive_model(self)

    @RerankTask.taskmethod()
    def run_rerank_query(
        self,
        query: str,
        documents: list[JsonDict],
        top_n: int | None = None,
        truncate_input_tokens: int | None = 0,
        return_documents: bool = True,
        return_query: bool = True,
        return_text: bool = True,
    ) -> RerankResult:
        """The documents that fit a query best, at most `top_n` of them."""
        error.type_check("<NLP05323654E>", str, query=query)
        found = self.run_rerank_queries(
            [query], documents, top_n, truncate_input_tokens, return_documents, return_query, return_text
        )
        return RerankResult(
            result=found.results[0],
            producer_id=self.PRODUCER_ID,
            input_token_count=found.input_token_count,
        )

    @RerankTasks.taskmethod()
    def run_rerank_queries(
        self,
        queries: list[str],
        documents: list[JsonDict],
        top_n: int | None = None,
        truncate_input_tokens: int | None = 0,
        return_documents: bool = True,
        return_queries: bool = True,
        return_text: bool = True,
    ) -> RerankResults:
        """The same for each of several queries."""
        check_request(queries, documents, top_n)
        scores, count = self._scores(queries, texts_of(documents), truncate_input_tokens)
        results = [
            ranking(
                row,
                documents,
                top_n=top_n,
                query=query if return_queries else None,
                return_documents=return_documents,
                return_text=return_text,
            )
            for query, row in zip(queries, scores, strict=True)
        ]
        return RerankResults(results=results, producer_id=self.PRODUCER_ID, input_token_count=count)

    @TokenizationTask.taskmethod()
    def run_tokenizer(self, text: str) -> TokenizationResults:
        """The tokens of a text; the count includes special ones, which are no part of it."""
        error.type_check("<NLP48137045E>", str, text=text)
        check_length(text)
        return token_results(self._engine.tokens, text)

    @abc.abstractmethod
    def _scores(
        self, queries: list[str], texts: list[str], truncate_input_tokens: int | None
    ) -> tuple[Rows, int]:
        """One row per query, one column per text; and the number of all tokens."""

    def _rows(self, encoded: Sequence[Encoded]) -> Rows:
        """What the model computes for each text or pair."""
        engine, settings = self._engine, self._settings
        return compute_in_batches(
            encoded,
            settings.batch_size,
            engine.tokens.pad_id,
            lambda features: with_retries(lambda: engine.compute(features), settings.retries),
            most_tokens=settings.batch_tokens,
            on_cpu=engine.on_cpu,
        )
