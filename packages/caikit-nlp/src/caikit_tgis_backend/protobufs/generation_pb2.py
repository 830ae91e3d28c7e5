"""Messages of `fmaas.GenerationService`, with which texts are asked for from a text generation server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import message_factory

from ._enumeration import Enumeration
from ._interface_file import load_interface_file

__all__ = [
    "CANCELLED",
    "DESCRIPTOR",
    "EOS_TOKEN",
    "ERROR",
    "GREEDY",
    "MAX_TOKENS",
    "NOT_FINISHED",
    "SAMPLE",
    "STOP_SEQUENCE",
    "TIME_LIMIT",
    "TOKEN_LIMIT",
    "BatchedGenerationRequest",
    "BatchedGenerationResponse",
    "BatchedTokenizeRequest",
    "BatchedTokenizeResponse",
    "DecodingMethod",
    "DecodingParameters",
    "GenerationRequest",
    "GenerationResponse",
    "ModelInfoRequest",
    "ModelInfoResponse",
    "Parameters",
    "ResponseOptions",
    "SamplingParameters",
    "SingleGenerationRequest",
    "StopReason",
    "StoppingCriteria",
    "TokenInfo",
    "TokenizeRequest",
    "TokenizeResponse",
]

_FILE = "generation.proto"

DESCRIPTOR: Any = load_interface_file(_FILE, Path(__file__).with_name(_FILE).read_text(encoding="utf-8"))


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name[name])


def _enumeration(name: str) -> Enumeration:
    return Enumeration(DESCRIPTOR.enum_types_by_name[name])


BatchedGenerationRequest: Any = _message("BatchedGenerationRequest")
BatchedGenerationResponse: Any = _message("BatchedGenerationResponse")
BatchedTokenizeRequest: Any = _message("BatchedTokenizeRequest")
BatchedTokenizeResponse: Any = _message("BatchedTokenizeResponse")
DecodingParameters: Any = _message("DecodingParameters")
GenerationRequest: Any = _message("GenerationRequest")
GenerationResponse: Any = _message("GenerationResponse")
ModelInfoRequest: Any = _message("ModelInfoRequest")
ModelInfoResponse: Any = _message("ModelInfoResponse")
Parameters: Any = _message("Parameters")
ResponseOptions: Any = _message("ResponseOptions")
SamplingParameters: Any = _message("SamplingParameters")
SingleGenerationRequest: Any = _message("SingleGenerationRequest")
StoppingCriteria: Any = _message("StoppingCriteria")
TokenInfo: Any = _message("TokenInfo")
TokenizeRequest: Any = _message("TokenizeRequest")
TokenizeResponse: Any = _message("TokenizeResponse")

DecodingMethod = _enumeration("DecodingMethod")
StopReason = _enumeration("StopReason")

GREEDY = DecodingMethod.Value("GREEDY")
SAMPLE = DecodingMethod.Value("SAMPLE")
NOT_FINISHED = StopReason.Value("NOT_FINISHED")
MAX_TOKENS = StopReason.Value("MAX_TOKENS")
EOS_TOKEN = StopReason.Value("EOS_TOKEN")
CANCELLED = StopReason.Value("CANCELLED")
TIME_LIMIT = StopReason.Value("TIME_LIMIT")
STOP_SEQUENCE = StopReason.Value("STOP_SEQUENCE")
TOKEN_LIMIT = StopReason.Value("TOKEN_LIMIT")
ERROR = StopReason.Value("ERROR")
