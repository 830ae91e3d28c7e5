"""Asking one server what models it has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from caikit.interfaces.common.data_model import ConnectionInfo
from caikit.interfaces.runtime.data_model import ModelInfoRequest, ModelInfoResponse
from caikit.runtime.names import MODELS_INFO_ENDPOINT, ServiceType, get_grpc_route_name

from . import _over_grpc, _over_http
from ._connections import GRPC, HTTP, connection_key, shared_connection, target_of
from ._credentials import Credentials
from ._errors import unreadable
from ._grpc_calls import call_unary
from ._http_calls import HttpCall, exchange

Ask: TypeAlias = Callable[[ConnectionInfo, Credentials], ModelInfoResponse]

# For connections that know no timeout.
_SECONDS = 60.0


def ask_via_grpc(info: ConnectionInfo, credentials: Credentials) -> ModelInfoResponse:
    target = target_of(GRPC, info)
    make = partial(_over_grpc.make_channel, target, info)
    answer = call_unary(
        shared_connection(connection_key(GRPC, target, info), make, info.max_session_age),
        get_grpc_route_name(ServiceType.INFO, "GetModelsInfo"),
        ModelInfoRequest().to_binary_buffer(),
        credentials.pairs(),
        info.timeout or _SECONDS,
    )
    return _read(lambda: ModelInfoResponse.from_binary_buffer(answer), target)


def ask_via_http(info: ConnectionInfo, credentials: Credentials) -> ModelInfoResponse:
    target = target_of(HTTP, info)
    make = partial(_over_http.make_session, info)
    content = exchange(
        shared_connection(connection_key(HTTP, target, info), make, info.max_session_age),
        HttpCall("GET", target, MODELS_INFO_ENDPOINT, headers=dict(credentials.pairs())),
        _over_http.make_patience(info, info.timeout or _SECONDS),
    ).content
    return _read(lambda: ModelInfoResponse.from_json(content.decode(), ignore_unknown_fields=True), target)


def _read(read: Callable[[], ModelInfoResponse], target: str) -> ModelInfoResponse:
    try:
        return read()
    except Exception as problem:
        raise unreadable(target, ModelInfoResponse, problem) from problem
