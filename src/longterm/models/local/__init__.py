"""A real chat model on the user's own machine, without a key: `longterm[local]`.

`local_chat_model("qwen2.5-coder-1.5b")` finds or fetches the file, checks it, and runs it
in a child process. Everything that may be set is an argument; `longterm.settings` fills in
what the environment says. Importing this package is cheap and needs nothing installed.
"""

from typing import TYPE_CHECKING, Any

from longterm.errors import MissingExtraError

if TYPE_CHECKING:
    from longterm.models.local.chat import LocalChatModel, local_chat_model

__all__ = ["LocalChatModel", "local_chat_model"]


def __getattr__(name: str) -> Any:
    """Load the chat model's packages when one of its names is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from longterm.models.local import chat
    except ModuleNotFoundError as exc:
        raise MissingExtraError("A local model", "local") from exc
    return getattr(chat, name)
