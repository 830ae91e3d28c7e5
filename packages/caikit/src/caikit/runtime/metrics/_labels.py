"""Which model ids become labels."""

from __future__ import annotations

from collections.abc import Callable

from caikit.runtime.engine import Status

UNKNOWN_MODEL = "_unknown"
MOST_MODELS = 2000
"""Labels that are kept; more than that, and those of models that are gone are dropped."""


class ModelLabels:
    """Only models that exist get a label: clients must not be able to invent time series."""

    def __init__(self, is_model: Callable[[str], bool], most: int = MOST_MODELS) -> None:
        self._is_model = is_model
        self._most = most
        self._known: set[str] = set()

    def find(self, model_id: str | None, status: Status) -> str:
        """The label of a request for this model, which has ended so."""
        if model_id in self._known:
            return model_id
        if model_id and len(self._known) < self._most and self._exists(model_id, status):
            self._known.add(model_id)
            return model_id
        return UNKNOWN_MODEL

    def drop_gone(self) -> set[str]:
        """If there are nearly too many labels, those of models that are gone; they are known no longer."""
        if len(self._known) <= self._most // 2:
            return set()
        gone = {model_id for model_id in list(self._known) if not self._is_model(model_id)}
        self._known -= gone
        return gone

    def _exists(self, model_id: str, status: Status) -> bool:
        return status is Status.OK or self._is_model(model_id)
