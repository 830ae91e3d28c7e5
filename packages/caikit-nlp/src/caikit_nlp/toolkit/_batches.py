"""Many texts in batches of about the same length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ._threads import calls_side_by_side
from ._tokens import Encoded

if TYPE_CHECKING:
    import numpy as np

    Features = Mapping[str, np.ndarray[Any, np.dtype[np.int64]]]
    Rows = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["compute_in_batches"]

# A processor computes about as many tokens in the time that it needs for a call without any.
_TOKENS_OF_A_CALL = 32


def compute_in_batches(
    texts: Sequence[Encoded],
    size: int,
    pad_id: int,
    compute: Callable[[Features], Rows],
    *,
    most_tokens: int = 0,
    on_cpu: bool = False,
) -> Rows:
    """One row per text, in order. Equal texts are computed once, longest texts first.

    A batch has at most `size` texts and, if that is not 0, `most_tokens` tokens, with those that fill shorter texts.
    A processor takes its time for these, too: `on_cpu`, shorter texts get a batch of their own, and batches are
    computed side by side.
    """
    import numpy as np

    distinct: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
    places = [distinct.setdefault((text.ids, text.type_ids), len(distinct)) for text in texts]
    keys = list(distinct)
    order = sorted(range(len(keys)), key=lambda index: -len(keys[index][0]))
    lengths = [len(keys[index][0]) for index in order]
    batches = _cut(lengths, order, size, most_tokens, _TOKENS_OF_A_CALL if on_cpu else None)
    rows = _compute_all(
        lambda batch: compute(_features([keys[index] for index in batch], pad_id)), list(batches), on_cpu
    )
    if not rows:
        return np.zeros((0, 0), dtype=np.float32)
    computed = np.concatenate(rows)
    by_key = np.empty_like(computed)
    by_key[order] = computed
    return by_key[places]


def _cut(
    lengths: Sequence[int], order: Sequence[int], size: int, most_tokens: int, most_padding: int | None
) -> Iterator[Sequence[int]]:
    """Parts of `order`, whose lengths go down: the first of a batch says how long all of it becomes."""
    start = 0
    while start < len(order):
        fitting = max(1, most_tokens // max(1, lengths[start])) if most_tokens else size
        end = min(start + min(size, fitting), len(order))
        if most_padding is not None:
            end = _end_of_similar(lengths, start, end, most_padding)
        yield order[start:end]
        start = end


def _end_of_similar(lengths: Sequence[int], start: int, end: int, most_padding: int) -> int:
    padding = 0
    for index in range(start, end):
        padding += lengths[start] - lengths[index]
        if padding > most_padding:
            return index
    return end


def _compute_all(
    compute: Callable[[Sequence[int]], Rows], batches: Sequence[Sequence[int]], on_cpu: bool
) -> list[Rows]:
    threads = min(len(batches), calls_side_by_side()) if on_cpu else 1
    if threads <= 1:
        return list(map(compute, batches))
    with ThreadPoolExecutor(threads, thread_name_prefix="batches") as pool:
        return list(pool.map(compute, batches))


def _features(batch: Sequence[tuple[tuple[int, ...], tuple[int, ...]]], pad_id: int) -> Features:
    import numpy as np

    shape = (len(batch), max(len(ids) for ids, _ in batch))
    input_ids = np.full(shape, pad_id, dtype=np.int64)
    mask = np.zeros(shape, dtype=np.int64)
    type_ids = np.zeros(shape, dtype=np.int64)
    for row, (ids, types) in enumerate(batch):
        input_ids[row, : len(ids)] = ids
        mask[row, : len(ids)] = 1
        type_ids[row, : len(types)] = types
    return {"input_ids": input_ids, "attention_mask": mask, "token_type_ids": type_ids}
