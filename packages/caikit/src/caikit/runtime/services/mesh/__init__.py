"""What a ModelMesh and a training orchestrator ask of a runtime: services with interfaces of their own."""

from ._models import MeshModels
from ._operations import mesh_operations, process_operations
from ._settings import MeshSettings

__all__ = ["MeshModels", "MeshSettings", "mesh_operations", "process_operations"]
