"""The parameters of all methods that generate text, written once."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, ParamSpec, TypeVar

from ...data_model import ExponentialDecayLengthPenalty
from ._number_types import uint64

__all__ = ["generation_parameters", "takes"]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def generation_parameters(
    self: Any,
    text: str,
    max_new_tokens: int | None = 20,
    min_new_tokens: int | None = 0,
    truncate_input_tokens: int | None = 0,
    decoding_method: str | None = "GREEDY",
    top_k: int | None = None,
    top_p: float | None = None,
    typical_p: float | None = None,
    temperature: float | None = None,
    repetition_penalty: float | None = None,
    max_time: float | None = None,
    exponential_decay_length_penalty: tuple[int, float] | ExponentialDecayLengthPenalty | None = None,
    stop_sequences: list[str] | None = None,
    seed: uint64 | None = None,
    preserve_input_text: bool = True,
    input_tokens: bool | None = False,
    generated_tokens: bool | None = False,
    token_logprobs: bool | None = False,
    token_ranks: bool | None = False,
    include_stop_sequence: bool | None = None,
    **kwargs: Any,
) -> None:
    """
    Args:
        text: what to continue or to answer
        max_new_tokens: the most tokens to generate
        min_new_tokens: tokens before the text may end
        truncate_input_tokens: tokens of the text to keep; 0 for all, less for as many as the model takes
        decoding_method: GREEDY for the most probable token each time, SAMPLING for random ones
        top_k: sample from so many most probable tokens
        top_p: sample from the most probable tokens that together have this probability
        typical_p: sample from the tokens of typical information that together have this probability
        temperature: less than 1 prefers probable tokens more, more than 1 prefers them less
        repetition_penalty: more than 1 makes tokens that were there less probable
        max_time: seconds after which the text ends
        exponential_decay_length_penalty: number of a token from which on the end becomes more probable, and by
            which factor
        stop_sequences: texts that end the generated text
        seed: makes sampling repeatable
        preserve_input_text: begin the result with the text, if the model continues it
        input_tokens: list the tokens of the text
        generated_tokens: list the generated tokens
        token_logprobs: with logarithms of probabilities
        token_ranks: with ranks, 1 is the most probable token
        include_stop_sequence: whether the stop sequence that was found belongs to the result; None leaves it to the
            server, a local model includes it
        kwargs: more settings that local models can have, under their names in transformers
    """


def takes(
    declared: Callable[Parameters, object],
    *,
    defaults: Mapping[str, Any] | None = None,
    context: str | None = None,
) -> Callable[[Callable[..., Result]], Callable[Parameters, Result]]:
    """Give a method the parameters of another function; it gets all of them by name, defaults included.

    `defaults` replaces some of the declared ones. `context` is one more parameter, which takes the place of those
    that the function does not name.
    """
    types = typing.get_type_hints(declared)
    parameters = [
        each.replace(
            annotation=types.get(each.name, each.annotation),
            default=(defaults or {}).get(each.name, each.default),
        )
        for each in inspect.signature(declared).parameters.values()
        if context is None or each.kind is not each.VAR_KEYWORD
    ]
    if context is not None:
        parameters.append(
            inspect.Parameter(
                context, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=Any | None
            )
        )
    arguments = inspect.cleandoc(declared.__doc__ or "")
    if context is not None:
        arguments += f"\n    {context}: that of the request, which may say where the model is"

    def decorate(function: Callable[..., Result]) -> Callable[Parameters, Result]:
        signature = inspect.Signature(parameters, return_annotation=_return_type(function))

        @functools.wraps(function)
        def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = dict(bound.arguments)
            more = given.pop("kwargs", {})
            return function(**given, **more)

        made: Any = call
        # The signature is this one, not that of what is wrapped.
        del made.__wrapped__
        made.__signature__ = signature
        made.__doc__ = f"{function.__doc__}\n\n{arguments}"
        return call

    return decorate


def _return_type(function: Callable[..., Any]) -> Any:
    """The type alone: those of the parameters may have names that only type checkers know."""
    written = SimpleNamespace(__annotations__={"return": function.__annotations__["return"]})
    return typing.get_type_hints(written, function.__globals__)["return"]
