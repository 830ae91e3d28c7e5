"""How good predictions were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from caikit.core.data_model import DataObjectBase, FieldNumber, OneofField, ProducerId, dataobject

from ._frames import OverFrame, check_items
from ._json_numbers import NonFiniteAsText, json_numbers
from .package import TS_PACKAGE

if TYPE_CHECKING:
    import pandas as pd


@dataobject(TS_PACKAGE)
class Id(DataObjectBase):
    """A text or a number that names something."""

    value: (
        Annotated[str, OneofField("text"), FieldNumber(1)]
        | Annotated[int, OneofField("index"), FieldNumber(2)]
    )


@dataobject(TS_PACKAGE)
class EvaluationRecord(NonFiniteAsText, DataObjectBase):
    """The metrics of one series, or of one offset in it."""

    id_values: Annotated[list[Id], FieldNumber(1)]
    metric_values: Annotated[list[float], FieldNumber(2)]
    offset: Annotated[Id, FieldNumber(3)]

    def __init__(self, id_values: Any = None, metric_values: Any = None, offset: Any = None) -> None:
        """Ids may be given as they are: texts and numbers."""
        self.id_values = id_values and [_as_id(value) for value in id_values]
        self.metric_values = metric_values
        self.offset = _as_id(offset)

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "metric_values": json_numbers(self.metric_values)}


@dataobject(TS_PACKAGE)
class EvaluationResult(OverFrame, DataObjectBase):
    """Metrics, a row for each series or for each offset in one."""

    _frame_fields = ("records", "id_cols", "metric_cols", "offset_col")

    records: Annotated[list[EvaluationRecord], FieldNumber(1)]
    id_cols: Annotated[list[str], FieldNumber(2)]
    metric_cols: Annotated[list[str], FieldNumber(3)]
    offset_col: Annotated[str, FieldNumber(4)]
    producer_id: Annotated[ProducerId, FieldNumber(5)]

    def __init__(
        self,
        records: Any = None,
        id_cols: Any = None,
        metric_cols: Any = None,
        offset_col: Any = None,
        df: Any = None,
        producer_id: Any = None,
    ) -> None:
        """Metrics in records or in the frame `df`, whose columns are metrics if they play no other part."""
        self.producer_id = ProducerId(*producer_id) if isinstance(producer_id, tuple) else producer_id
        check_items("records of an evaluation", EvaluationRecord, records)
        if df is None:
            self.records = records
            self.id_cols = id_cols
            self.metric_cols = metric_cols
            self.offset_col = offset_col
            return
        if records is not None:
            raise TypeError("expected records or a data frame for an evaluation, got both")
        from .backends._evaluation import EvaluationBackend

        self._backend = EvaluationBackend.over(df, id_cols, metric_cols, offset_col, EvaluationRecord)

    def as_pandas(self) -> pd.DataFrame:
        """A frame with the columns of ids, of metrics, and of offsets if there are any."""
        from .backends._evaluation import records_frame

        backend = self._frame_backend()
        frame: pd.DataFrame = records_frame(self) if backend is None else backend.frame.copy(deep=False)
        return frame


def _as_id(value: Any) -> Any:
    return value if value is None or isinstance(value, Id) else Id(value)


__all__ = ["EvaluationRecord", "EvaluationResult", "Id"]
