"""Names of protobuf packages."""

__all__ = ["CAIKIT_DATA_MODEL", "PACKAGE_COMMON"]

CAIKIT_DATA_MODEL = "caikit_data_model"
PACKAGE_COMMON = f"{CAIKIT_DATA_MODEL}.common"
