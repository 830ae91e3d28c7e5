"""What the methods of modules take and give back."""

from .module_signature import CaikitMethodSignature, CustomSignature

__all__ = ["CaikitMethodSignature", "CustomSignature"]
