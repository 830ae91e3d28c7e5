"""Model management: components that find, load and train models and run jobs with them."""

from .factories import (
    job_predictor_factory,
    model_finder_factory,
    model_initializer_factory,
    model_trainer_factory,
)
from .job_base import JobBase, JobFutureBase, JobInfo, JobQueueFullError, JobStoreError
from .job_predictor_base import JobPredictorBase, JobPredictorFutureBase, JobPredictorInfo
from .job_progress import report_progress
from .local_job_predictor import LocalJobPredictor
from .local_model_finder import LocalModelFinder
from .local_model_initializer import LocalModelInitializer
from .local_model_trainer import LocalModelTrainer
from .model_finder_base import ModelFinderBase
from .model_initializer_base import ModelInitializerBase
from .model_trainer_base import ModelTrainerBase, ModelTrainerFutureBase, TrainingInfo
from .multi_model_finder import MultiModelFinder
from .multi_model_initializer import MultiModelInitializer

__all__ = [
    "JobBase",
    "JobFutureBase",
    "JobInfo",
    "JobPredictorBase",
    "JobPredictorFutureBase",
    "JobPredictorInfo",
    "JobQueueFullError",
    "JobStoreError",
    "ModelFinderBase",
    "ModelInitializerBase",
    "ModelTrainerBase",
    "ModelTrainerFutureBase",
    "TrainingInfo",
    "job_predictor_factory",
    "model_finder_factory",
    "model_initializer_factory",
    "model_trainer_factory",
    "report_progress",
]

model_trainer_factory.register(LocalModelTrainer)
model_finder_factory.register(LocalModelFinder)
model_finder_factory.register(MultiModelFinder)
model_finder_factory.register_path("REMOTE", "caikit.runtime.client.RemoteModelFinder")
model_initializer_factory.register(LocalModelInitializer)
model_initializer_factory.register(MultiModelInitializer)
model_initializer_factory.register_path("REMOTE", "caikit.runtime.client.RemoteModelInitializer")
job_predictor_factory.register(LocalJobPredictor)
