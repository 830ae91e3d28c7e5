"""One listener of our own for HTTP/1.1, HTTP/2, gRPC and gRPC-Web."""

from ._departure import Protocol
from ._grpc_service import DEFAULT_LONGEST_MESSAGE, GrpcService
from ._http_service import HttpService
from ._limits import Limits
from ._part import NativePart
from ._server import NativeServer
from ._tls import ChangingContext, make_context

__all__ = [
    "DEFAULT_LONGEST_MESSAGE",
    "ChangingContext",
    "GrpcService",
    "HttpService",
    "Limits",
    "NativePart",
    "NativeServer",
    "Protocol",
    "make_context",
]
