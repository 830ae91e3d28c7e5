"""Code that does not run on every platform."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import alog

from ..exceptions import error_handler

__all__ = ["is_importable_on_platform", "unsupported_platforms"]

log = alog.use_channel("COMPAT")
error = error_handler.get(log)

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Platforms = str | list[str] | tuple[str, ...]


def unsupported_platforms(platforms: _Platforms) -> Callable[[_Function], _Function]:
    """Decorator: the function raises NotImplementedError where `sys.platform` is one of `platforms`.

    Names are compared as a whole: "linux", "darwin", "win32".
    """
    listed = _listed(platforms)

    def decorate(function: _Function) -> _Function:
        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if sys.platform in listed:
                error(
                    "<COR12233351E>",
                    NotImplementedError(
                        f"Operation [{function.__name__}] has not been implemented for platform [{sys.platform}]"
                    ),
                )
            return function(*args, **kwargs)

        return guarded  # type: ignore[return-value]  # it has the signature of the function

    return decorate


def is_importable_on_platform(
    module: str, package: str, exc_type: type[BaseException], platforms: _Platforms, platform_hint: str
) -> bool:
    """Whether a module can be imported, where that is in doubt: on one of `platforms`.

    On others it is True, and nothing is imported. `exc_type` is the exception that says that it cannot; it is
    logged as a warning with `platform_hint`, and others are raised. A relative `module` starts at `package`.
    """
    error.type_check("<COR81456123E>", str, module=module, package=package, platform_hint=platform_hint)
    if sys.platform not in _listed(platforms):
        return True
    try:
        importlib.import_module(module, package)
    except exc_type as failure:
        log.warning(
            "<COR31249671W>",
            f"Module [{module}] from package [{package}] failed to import on platform [{sys.platform}] "
            f"with error [{failure}] and will not be available.\nHINT: {platform_hint}",
        )
        return False
    return True


def _listed(platforms: _Platforms) -> tuple[str, ...]:
    error.type_check("<COR48137162E>", str, list, tuple, platforms=platforms)
    if isinstance(platforms, str):
        return (platforms,)
    error.type_check_all("<COR92928316E>", str, platforms=platforms)
    return tuple(platforms)
