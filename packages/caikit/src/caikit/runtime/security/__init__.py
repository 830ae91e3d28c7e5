"""Who may call what: static keys, signed tokens and client certificates, for all heads."""

from ._scopes import Access, Scope
from ._settings import SecuritySettings
from .authoriser import Authoriser

__all__ = ["Access", "Authoriser", "Scope", "SecuritySettings"]
