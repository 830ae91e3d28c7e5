"""The methods of remote models."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from caikit.core.signature_parsing import CaikitMethodSignature
from caikit.runtime.names import ServiceType

if TYPE_CHECKING:
    from caikit.interfaces.common.data_model.stream_sources import S3Path

    from .remote_config import RemoteRPCDescriptor
    from .remote_module_base import RemoteModuleBase


def inference_function(method: RemoteRPCDescriptor) -> Callable[..., Any]:
    def infer(self: RemoteModuleBase, *args: Any, **kwargs: Any) -> Any:
        return self.remote_method_request(method, ServiceType.INFERENCE, *args, **kwargs)

    return _dressed(infer, method.signature)


def train_function(method: RemoteRPCDescriptor) -> Callable[..., Any]:
    def train(
        self: RemoteModuleBase,
        *args: Any,
        _model_name: str | None = None,
        _output_path: S3Path | None = None,
        **kwargs: Any,
    ) -> RemoteModuleBase:
        job = self.remote_method_request(
            method,
            ServiceType.TRAINING,
            *args,
            _model_name=_model_name or f"{self._model_name}-{uuid.uuid4()}",
            _output_path=_output_path,
            **kwargs,
        )
        return self._from_training(job)

    return _dressed(train, method.signature)


def _dressed(function: Callable[..., Any], original: CaikitMethodSignature) -> Callable[..., Any]:
    """The function with name, documentation and signature of the original method."""
    function.__name__ = original.method_name
    function.__qualname__ = f"{original.module.__qualname__}.{original.method_name}"
    function.__doc__ = getattr(getattr(original.module, original.method_name), "__doc__", None)
    # Types, not texts: here nobody knows the names that the original could see.
    function.__annotations__ = {**(original.parameters or {}), "return": original.return_type}
    written = original.method_signature
    if written is not None:
        vars(function)["__signature__"] = _with_self(written)
    return function


def _with_self(signature: inspect.Signature) -> inspect.Signature:
    """A class method has become a method."""
    parameters = list(signature.parameters.values())
    if parameters and parameters[0].name == "self":
        return signature
    return signature.replace(
        parameters=[inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD), *parameters]
    )
