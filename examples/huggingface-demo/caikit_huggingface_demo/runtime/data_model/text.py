"""Text, and what was said before."""

from caikit.core import DataObjectBase, dataobject


@dataobject
class Text(DataObjectBase):
    text: str


@dataobject
class ChatMessage(DataObjectBase):
    """One turn of a conversation; the role is user or assistant."""

    role: str
    content: str
