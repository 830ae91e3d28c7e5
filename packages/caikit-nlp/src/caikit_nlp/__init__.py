"""Text models as caikit modules.

Importing the package makes its modules known to caikit; the libraries that compute are imported when a model of
that kind is loaded or made.
"""

from __future__ import annotations

from caikit.core import MODEL_MANAGER, extract, load, resolve_and_load

from . import config
from .version import __version__, __version_tuple__

# Before the modules, which may read settings when they are defined.
config.configure()

from . import data_model, model_management, modules, resources, toolkit  # noqa: E402  (see above)
from .data_model import (  # noqa: E402
    ExponentialDecayLengthPenalty,
    GenerationTrainRecord,
    PromptOutputModelType,
    TuningConfig,
)
from .modules import (  # noqa: E402
    text_classification,
    text_embedding,
    text_generation,
    token_classification,
    tokenization,
)

__all__ = [
    "MODEL_MANAGER",
    "ExponentialDecayLengthPenalty",
    "GenerationTrainRecord",
    "PromptOutputModelType",
    "TuningConfig",
    "__version__",
    "__version_tuple__",
    "config",
    "data_model",
    "extract",
    "load",
    "model_management",
    "modules",
    "resolve_and_load",
    "resources",
    "text_classification",
    "text_embedding",
    "text_generation",
    "token_classification",
    "tokenization",
    "toolkit",
]
