"""Data that is read while it is used, as often as it is needed."""

from pathlib import Path
from tempfile import TemporaryDirectory

from caikit.core.data_model import DataStream

numbers = DataStream.from_iterable(range(1, 7))
print(list(numbers.filter(lambda number: number % 2 == 0).map(lambda number: number * number)))

with TemporaryDirectory() as folder:
    file = Path(folder) / "animals.jsonl"
    file.write_text('{"name": "cat", "legs": 4}\n{"name": "hen", "legs": 2}\n')
    animals = DataStream.from_jsonl(str(file))
    print([animal["name"] for animal in animals])
    print(sum(animal["legs"] for animal in animals))
