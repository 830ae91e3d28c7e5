"""Which status of one protocol is which of another; in terms of gRPC's codes, so gRPC must be installed."""

from __future__ import annotations

from grpc import StatusCode

from caikit.core.exceptions.caikit_core_exception import CaikitCoreStatusCode

__all__ = ["CAIKIT_STATUS_CODE_TO_GRPC", "HTTP_TO_STATUS_CODE", "STATUS_CODE_TO_HTTP"]

STATUS_CODE_TO_HTTP = {
    StatusCode.OK: 200,
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.OUT_OF_RANGE: 400,
    StatusCode.UNAUTHENTICATED: 401,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.NOT_FOUND: 404,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.ABORTED: 409,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.CANCELLED: 499,
    StatusCode.UNKNOWN: 500,
    StatusCode.DATA_LOSS: 500,
    StatusCode.INTERNAL: 500,
    StatusCode.UNIMPLEMENTED: 501,
    StatusCode.UNAVAILABLE: 503,
    StatusCode.DEADLINE_EXCEEDED: 504,
}
HTTP_TO_STATUS_CODE = {
    200: StatusCode.OK,
    400: StatusCode.INVALID_ARGUMENT,
    401: StatusCode.UNAUTHENTICATED,
    403: StatusCode.PERMISSION_DENIED,
    404: StatusCode.NOT_FOUND,
    409: StatusCode.ALREADY_EXISTS,
    422: StatusCode.INVALID_ARGUMENT,
    429: StatusCode.RESOURCE_EXHAUSTED,
    499: StatusCode.CANCELLED,
    500: StatusCode.INTERNAL,
    501: StatusCode.UNIMPLEMENTED,
    503: StatusCode.UNAVAILABLE,
    504: StatusCode.DEADLINE_EXCEEDED,
}
CAIKIT_STATUS_CODE_TO_GRPC = {
    CaikitCoreStatusCode.INVALID_ARGUMENT: StatusCode.INVALID_ARGUMENT,
    CaikitCoreStatusCode.UNAUTHORIZED: StatusCode.UNAUTHENTICATED,
    CaikitCoreStatusCode.FORBIDDEN: StatusCode.PERMISSION_DENIED,
    CaikitCoreStatusCode.NOT_FOUND: StatusCode.NOT_FOUND,
    CaikitCoreStatusCode.CONNECTION_ERROR: StatusCode.UNAVAILABLE,
    CaikitCoreStatusCode.UNKNOWN: StatusCode.UNKNOWN,
    CaikitCoreStatusCode.FATAL: StatusCode.INTERNAL,
}
