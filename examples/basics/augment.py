"""More training data from the data there is."""

from caikit.core.augmentors import AugmentorBase
from caikit.core.data_model import DataStream


class Whisper(AugmentorBase):
    augmentor_type = str

    def _augment(self, obj: str) -> str:
        return obj.lower()


class Typo(AugmentorBase):
    augmentor_type = str

    def _augment(self, obj: str) -> str:
        return obj[1] + obj[0] + obj[2:]


texts = DataStream.from_iterable(["Hello", "World"])
whispered = texts.augment(Whisper(random_seed=1), 1)
print(list(whispered))
print(list(whispered.augment(Typo(random_seed=1), 1, post_augment_func=str.upper)))
