"""Classes with type hints that are also messages: in Python, in JSON and in protobuf."""

from enum import Enum

from caikit.core import DataObjectBase, dataobject


@dataobject
class Unit(Enum):
    GRAM = 1
    PIECE = 2


@dataobject
class Ingredient(DataObjectBase):
    name: str
    amount: float
    unit: Unit = Unit.GRAM


@dataobject
class Recipe(DataObjectBase):
    title: str
    ingredients: list[Ingredient]
    serves: int | None = None

    def weight(self) -> float:
        return sum(item.amount for item in self.ingredients if Unit(item.unit) is Unit.GRAM)


recipe = Recipe("Pancakes", [Ingredient("flour", 250.0), Ingredient("egg", 2.0, Unit.PIECE)])

print(recipe.weight())
print(recipe.to_json())
print(recipe.to_proto())
print(len(recipe.to_binary_buffer()), "bytes")
print(Recipe.from_binary_buffer(recipe.to_binary_buffer()).ingredients[1].name)
