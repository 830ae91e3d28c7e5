"""The exceptions of the core."""

from __future__ import annotations

import importlib
import pickle
import sys

import pytest

from caikit.core.exceptions import DataValidationError, error_handler
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode


@pytest.mark.parametrize(
    "made",
    [
        CaikitCoreException(CaikitCoreStatusCode.NOT_FOUND, "msg"),
        CaikitCoreException(status_code=CaikitCoreStatusCode.NOT_FOUND, message="msg"),
    ],
)
def test_core_exception(made):
    copied = pickle.loads(pickle.dumps(made))
    for exception in (made, copied):
        assert str(exception) == exception.message == "msg"
        assert exception.status_code is CaikitCoreStatusCode.NOT_FOUND
        assert len(exception.id) == 32
    assert copied.id == made.id


def test_status_codes():
    assert {code.name: code.value for code in CaikitCoreStatusCode} == {
        "NOT_FOUND": 1,
        "INVALID_ARGUMENT": 2,
        "CONNECTION_ERROR": 3,
        "UNAUTHORIZED": 4,
        "FORBIDDEN": 5,
        "UNKNOWN": 6,
        "FATAL": 7,
    }


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "Training data validation failed: why"),
        (0, "Training data validation failed on item 0. why"),
        (3, "Training data validation failed on item 3. why"),
    ],
)
def test_data_validation_error(number, text):
    error = pickle.loads(pickle.dumps(DataValidationError("why", number)))
    assert str(error) == text
    assert error.reason == "why"
    assert error.item_number == number


@pytest.mark.parametrize("name", ["caikit.core.toolkit.errors", "caikit.core.toolkit.error_handler"])
def test_former_homes(name):
    sys.modules.pop(name, None)
    with pytest.warns(DeprecationWarning, match="has moved to caikit.core.exceptions"):
        module = importlib.import_module(name)
    if name.endswith("errors"):
        assert module.error_handler is error_handler
        assert module.DataValidationError is DataValidationError
    else:
        assert module.get is error_handler.get
