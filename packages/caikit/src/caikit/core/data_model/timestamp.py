"""Conversions between datetime and google.protobuf.Timestamp."""

from ._timestamp import TIMESTAMP_PROTOBUF_NAME, datetime_to_proto, proto_to_datetime, use_timezone

__all__ = ["TIMESTAMP_PROTOBUF_NAME", "datetime_to_proto", "proto_to_datetime", "use_timezone"]
