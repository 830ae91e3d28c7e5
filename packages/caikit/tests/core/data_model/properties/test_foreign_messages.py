"""Messages of the same type from another descriptor pool are as good as our own."""

from __future__ import annotations

from typing import Any

import pytest
from dm_classes import Case, cases
from dm_oracle import reference, same, stable, view
from dm_settings import SECONDS, examples
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given

pytestmark = pytest.mark.timeout(SECONDS)


def foreign_class(cls: Any) -> Any:
    """The message class of a data object, made again in a pool of its own."""
    pool = descriptor_pool.DescriptorPool()
    descriptor = cls.get_proto_class().DESCRIPTOR
    _add(pool, descriptor.file, set())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(descriptor.full_name))


def _add(pool: Any, file: Any, done: set[str]) -> None:
    if file.name in done:
        return
    done.add(file.name)
    for dependency in file.dependencies:
        _add(pool, dependency, done)
    proto = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(proto)
    pool.Add(proto)


@given(cases())
@examples(60)
def test_messages_of_another_pool(case: Case) -> None:
    cls = case.made.cls
    foreign = foreign_class(cls)
    assert foreign is not cls.get_proto_class()
    for value in case.values:
        expected = reference(value)
        message = foreign.FromString(expected.SerializeToString())
        assert same(view(cls.from_proto(message)), view(cls.from_proto(expected)))
        filled = foreign()
        assert value.fill_proto(filled) is filled
        assert stable(filled) == stable(expected)
