"""Factories of the components of model management."""

from ..toolkit.factory import ImportableFactory

__all__ = [
    "ImportableFactory",
    "job_predictor_factory",
    "model_finder_factory",
    "model_initializer_factory",
    "model_trainer_factory",
]

model_trainer_factory = ImportableFactory("ModelTrainer")
model_finder_factory = ImportableFactory("ModelFinder")
model_initializer_factory = ImportableFactory("ModelInitializer")
job_predictor_factory = ImportableFactory("JobPredictors")
