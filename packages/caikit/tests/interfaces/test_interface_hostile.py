"""Input from outside ends in an object or in an error that says what is wrong with the input."""

from __future__ import annotations

import random
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from caikit.core.data_model import DataBase

WRONG_INPUT = (ValueError, TypeError, DecodeError)
PACKAGES = ("common", "nlp", "caikit_nlp", "runtime", "common.runtime", "timeseries", "vision")
VALUES: list[Any] = [
    *(None, 0, -1, 2**31, 2**63, 2**64, 10**400, 1.5, 1e300, float("nan"), float("inf"), True),
    *("", "a", "NaN", "Infinity", "1", "2024-01-01T00:00:00Z", "\ud800", "\0", "AAAA", "===="),
    *([], [None], [1], ["a"], [[]], [{}], {}, {"a": 1}, {"values": None}, {"values": [1, "a"]}),
    *({"data": None}, {"data": {"values": ["NaN"]}}, {"seconds": 1e300}, {"seconds": "x"}, {"ts_int": 1}),
    *({"points": [1]}, {"points": [{"ts_int": 1}, {"ts_float": 1}]}, {"dt_str": "D"}, [{"values": [{}]}]),
    *({"points": [{"ts_epoch": {"seconds": 1e300}}]}, {"time": 1}, {"timeseries": [{}]}),
]


def all_classes() -> list[Any]:
    from caikit.core.data_model.dataobject import get_generated_proto_classes

    names = {f"caikit_data_model.{package}" for package in PACKAGES}
    messages = [one.DESCRIPTOR for one in get_generated_proto_classes() if hasattr(one.DESCRIPTOR, "fields")]
    chosen = sorted(one.full_name for one in messages if one.file.package in names)
    return [pytest.param(DataBase.get_class_for_name(name), id=name) for name in chosen]


def use(data: Any) -> None:
    data.to_json()
    data.to_dict()
    data.to_proto()
    if hasattr(data, "as_pandas"):
        data.as_pandas()
        assert data == data


@pytest.mark.parametrize("cls", all_classes())
def test_json(cls: Any) -> None:
    chance = random.Random(cls.full_name)
    names = sorted({*cls.fields, *cls.__match_args__})
    for _ in range(60):
        given = {name: chance.choice(VALUES) for name in names if chance.random() < 3 / len(names)}
        try:
            use(cls.from_json(given))
        except WRONG_INPUT:
            continue


@pytest.mark.parametrize("cls", all_classes())
def test_bytes(cls: Any) -> None:
    chance = random.Random(cls.full_name)
    numbers = [field.number for field in cls.get_proto_class().DESCRIPTOR.fields] or [1]
    for _ in range(60):
        payload = chance.randbytes(chance.randint(0, 12))
        tag = (chance.choice(numbers) << 3 | chance.choice([0, 1, 2, 5])) & 0x7F
        try:
            use(cls.from_binary_buffer(bytes([tag, len(payload)]) + payload))
        except WRONG_INPUT:
            continue
