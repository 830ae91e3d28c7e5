"""Text generation."""

from __future__ import annotations

from .peft_prompt_tuning import PeftPromptTuning
from .peft_tgis_remote import PeftPromptTuningTGIS
from .text_generation_local import TextGeneration
from .text_generation_tgis import TextGenerationTGIS

__all__ = ["PeftPromptTuning", "PeftPromptTuningTGIS", "TextGeneration", "TextGenerationTGIS"]
