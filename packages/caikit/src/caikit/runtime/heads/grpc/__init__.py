"""The gRPC head: operations by path, protobuf in and out."""

from ._endpoints import GrpcEndpoint, build_endpoints

__all__ = ["GrpcEndpoint", "build_endpoints"]
