"""Why a caller is not known.

```
Exception
└── NotValidError          what is given is no credential; the reason is for the log
    └── ExpiredError       it was one; its signature was right
```
"""

from __future__ import annotations


class NotValidError(Exception):
    """Raised with the reason, which never has a part of the key or token; callers are told that it is not valid."""


class ExpiredError(NotValidError):
    """Raised for a token that was valid once."""
