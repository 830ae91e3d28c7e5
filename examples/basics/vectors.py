"""Vectors of numbers: arrays of numpy travel as one block, without a Python object for each number."""

import numpy as np
from caikit.core import DataObjectBase, dataobject
from caikit.interfaces.common.data_model import Vector1D


@dataobject
class Passage(DataObjectBase):
    text: str
    embedding: Vector1D
    weights: list[np.float32]


numbers = np.array([0.5, 0.25, 1.0], dtype=np.float32)
passage = Passage("Hello", Vector1D.from_vector(numbers), numbers)

print(passage.to_json())
print(len(passage.to_binary_buffer()), "bytes")

read = Passage.from_binary_buffer(passage.to_binary_buffer())
print(type(read.embedding.data.values).__name__, read.embedding.data.values.dtype)
print(type(read.weights).__name__, read.weights)
