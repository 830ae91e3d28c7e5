"""JsonDict, the type of free-form JSON objects, and its protobuf form."""

from ._json_dict import JsonDict, JsonDictValue, dict_to_struct, struct_to_dict

__all__ = ["JsonDict", "JsonDictValue", "dict_to_struct", "struct_to_dict"]
