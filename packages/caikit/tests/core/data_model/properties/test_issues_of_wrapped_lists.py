"""What is wrong with a list in a union is said of the element, also in the form that to_json prints."""

from __future__ import annotations

import math
from typing import Any

import pytest

from caikit.core.data_model._codec import JsonInputError, decode_json
from caikit.core.data_model.dataobject import make_dataobject

PACKAGE = "tests.data_object_properties.wrapped"


@pytest.mark.parametrize(
    ("element", "kind"), [(math.inf, "finite_number"), ("x", "float_parsing"), ([], "float_type")]
)
def test_the_element_is_named(element, kind):
    cls: Any = make_dataobject(name="Wrapped", annotations={"u": str | list[float]}, package=PACKAGE)
    with pytest.raises(JsonInputError) as caught:
        decode_json(cls, {"u_float_sequence": {"values": [1.5, element]}}, ("inputs",))
    (issue,) = caught.value.issues
    assert (issue.type, issue.loc) == (kind, ("inputs", "u_float_sequence", "values", 1))
