"""What an optimiser is given, in every shape that callers use, and the text a model sees of it.

Pure. A trajectory is a conversation and, perhaps, feedback on it: words, a score, a dict, or
the answer as it should have been.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage

from longterm.errors import InvalidInputError
from longterm.memory.conversation import as_messages, message_text, origin_of_message, render
from longterm.text.orders import without_orders
from longterm.text.quoting import as_label, fenced, turn
from longterm.types import AnnotatedTrajectory, Prompt

__all__ = ["TAGS", "as_prompt", "as_trajectories", "show_trajectories"]

_ROLES = ("user", "human", "assistant", "ai", "system", "developer", "tool", "function")
_PAIR = 2
#: What stands around what a model is shown to optimise by.
TAGS = (
    "trajectory",
    "trajectories",
    "feedback",
    "current_prompt",
    "update_instructions",
    "prompt",
    "prompts",
    "hypotheses",
    "recommendations",
)


def as_prompt(value: Any, name: str = "prompt") -> Prompt:
    """*value*, a text or a dict, as a `Prompt`; called *name* where it has none of its own."""
    match value:
        case str():
            return Prompt(name=name, prompt=value)
        case {"prompt": str()}:
            return cast("Prompt", {"name": name, **value})
        case _:
            raise InvalidInputError(
                'A prompt is a text or a dict {"name": …, "prompt": …}, '
                f"not {type(value).__name__}."
            )


def as_trajectories(value: Any) -> list[AnnotatedTrajectory]:
    """Trajectories in *value*.

    A text, one conversation, one (messages, feedback) pair, or a list of any of these; in a
    list, ``[m1, m2]`` is a conversation and ``(messages, feedback)`` a pair.
    """
    match value:
        case None | "":
            return []
        case str() | BaseMessage() | AnnotatedTrajectory() | Mapping():
            return [_trajectory(value)]
        case Sequence():
            items = cast("Sequence[Any]", value)
            whole = _is_pair(items) or (bool(items) and all(map(_is_message, items)))
            return [_trajectory(items)] if whole else [_trajectory(item) for item in items]
        case _:
            raise _unknown(value)


def _trajectory(value: Any) -> AnnotatedTrajectory:
    match value:
        case AnnotatedTrajectory():
            return value
        case {"messages": messages, **rest}:
            return AnnotatedTrajectory(messages, rest.get("feedback"))
        case str() | BaseMessage() | {"role": _}:
            return AnnotatedTrajectory([value])
        case Sequence():
            items = cast("Sequence[Any]", value)
            alone = len(items) == 1 and _is_conversation(items[0])
            whole = _is_pair(items) or alone
            return AnnotatedTrajectory(*items) if whole else AnnotatedTrajectory(items)
        case _:
            raise _unknown(value)


def _is_message(value: Any) -> bool:
    match value:
        case BaseMessage() | {"role": _} | {"type": _, "content": _} | {"type": _, "data": _}:
            return True
        case (str(role), _) if role in _ROLES:
            return True
        case _:
            return False


def _is_pair(items: Sequence[Any]) -> bool:
    """Whether *items* are a conversation and feedback on it, and not two messages or more."""
    if len(items) != _PAIR or _is_message(items):
        return False
    first, second = items
    if isinstance(items, tuple):  # a list of two is rather a conversation, or two of them
        return isinstance(first, str) or _is_conversation(first)
    return _is_conversation(first) and not (isinstance(second, tuple) or _is_conversation(second))


def _is_conversation(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "messages" in value
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    if not is_list or _is_message(value):
        return False
    parts = cast("Sequence[Any]", value)
    return all(isinstance(part, str) or _is_message(part) for part in parts)


def _unknown(value: Any) -> InvalidInputError:
    return InvalidInputError(
        "Trajectories are a text or a list of conversations, (messages, feedback) pairs or "
        f"AnnotatedTrajectory, not {type(value).__name__}."
    )


def show_trajectories(trajectories: Sequence[AnnotatedTrajectory]) -> str:
    """Text of *trajectories* with their feedback, numbered; none of it can close its tags.

    Sentences that give orders are left out where others than the user say them: an optimiser
    that obeys what it reads shall read the user's wishes only.
    """
    blocks: list[str] = []
    for number, (messages, feedback) in enumerate(trajectories, 1):
        match messages:
            case str(text) | [str(text)]:
                pass
            case _:
                text = render([_without_orders_of_others(one) for one in as_messages(messages)])
        block = f'<trajectory number="{number}">\n{fenced(text, *TAGS)}\n</trajectory>'
        if said := fenced(_feedback(feedback), *TAGS):
            block += f'\n<feedback for="{number}">\n{said}\n</feedback>'
        blocks.append(block)
    return "\n\n".join(blocks)


def _without_orders_of_others(message: BaseMessage) -> BaseMessage:
    text = message_text(message)
    left = text if origin_of_message(message) == "user" else without_orders(text)
    name = message.name and without_orders(message.name)
    same = left == text and name == message.name
    if same:
        return message
    update: dict[str, Any] = {"content": left, "name": name}
    if isinstance(message, AIMessage):  # what it calls is in the text already
        update["tool_calls"] = []
    return message.model_copy(update=update)


def _feedback(value: Any) -> str:
    match value:
        case None | "":
            return ""
        case str():
            return value
        case bool() | int() | float():
            return f"score: {value}"
        case BaseMessage() | {"role": _}:
            return f"The answer should have been:\n{render(as_messages([value]))}"
        case Mapping():
            items = cast("Mapping[str, Any]", value).items()
            return "\n".join(
                turn(as_label(str(key)), str(said)) for key, said in items if said is not None
            )
        case Sequence() if value and all(map(_is_message, cast("Sequence[Any]", value))):
            return f"The answer should have been:\n{render(as_messages(value))}"
        case Sequence():
            return "\n".join(map(_feedback, cast("Sequence[Any]", value)))
        case _:
            return str(value)
