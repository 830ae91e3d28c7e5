"""A factory: the configuration decides which class is made, and with which settings."""

import aconfig
import caikit
from caikit.core.toolkit.factory import FactoryConstructible, ImportableFactory


class Store(FactoryConstructible):
    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        self.config = config
        self.instance_name = instance_name

    def describe(self) -> str:
        raise NotImplementedError


class MemoryStore(Store):
    name = "MEMORY"

    def describe(self) -> str:
        return f"{self.instance_name}: keeps up to {self.config.limit} items in memory"


class FolderStore(Store):
    name = "FOLDER"

    def describe(self) -> str:
        return f"{self.instance_name}: keeps items in the folder {self.config.path}"


STORES = ImportableFactory("stores")
STORES.register(MemoryStore)
STORES.register(FolderStore)

if __name__ == "__main__":
    caikit.configure(config_dict={"cache": {"type": "MEMORY", "config": {"limit": 100, "path": "cache"}}})
    store = STORES.construct(caikit.get_config().cache, "cache")
    print(store.describe())
