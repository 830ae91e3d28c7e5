"""Tasks about text and images, each with its module."""

from .conversational import Conversational, ConversationalTask
from .image_classification import ImageClassification, ImageClassificationTask
from .image_segmentation import ImageSegmentation, ImageSegmentationTask
from .object_detection import ObjectDetection, ObjectDetectionTask
from .sentiment import Sentiment, SentimentTask
from .summarization import Summarization, SummarizationTask
from .text_generation import TextGeneration, TextGenerationTask

__all__ = [
    "Conversational",
    "ConversationalTask",
    "ImageClassification",
    "ImageClassificationTask",
    "ImageSegmentation",
    "ImageSegmentationTask",
    "ObjectDetection",
    "ObjectDetectionTask",
    "Sentiment",
    "SentimentTask",
    "Summarization",
    "SummarizationTask",
    "TextGeneration",
    "TextGenerationTask",
]
