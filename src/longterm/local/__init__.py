"""A real chat model on the user's own machine, without a key: `longterm[local]`.

`local_chat_model("qwen2.5-coder-1.5b")` finds or fetches the file, checks it, and runs it
in a child process. Everything that may be set is an argument; `longterm.settings` fills in
what the environment says.
"""

from longterm.errors import MissingExtraError

try:
    from longterm.local.chat import LocalChatModel, local_chat_model
except ModuleNotFoundError as exc:
    raise MissingExtraError("A local model", "local") from exc

__all__ = ["LocalChatModel", "local_chat_model"]
