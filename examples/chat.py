"""A chat in the terminal that remembers you: python chat.py openai:gpt-5-mini [database]

Before each answer it recalls what matters to your words, and after it what you said is reflected
on in the background. Start it again tomorrow: it knows.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AnyMessage, HumanMessage, SystemMessage

import longterm
from longterm import reading_prompt
from longterm.models.names import as_model


def chat(
    model: str | BaseChatModel,
    lines: Iterable[str],
    *,
    database: str = "chat.db",
    user_id: str = "me",
    thread: str | None = None,
) -> Iterator[str]:
    """Answer *lines* one after another; what *user_id* said in earlier chats is known."""
    answerer = as_model(model)
    thread = thread or f"{datetime.now():%Y-%m-%d %H:%M:%S}"
    history: list[AnyMessage] = []
    with longterm.open(database, model=model) as memory:
        user = memory.user(user_id)
        for line in lines:
            known = user.recall(line, thread=thread)
            prompt = SystemMessage(reading_prompt(known.text))
            history.append(HumanMessage(line))
            answer = answerer.invoke([prompt, *history])
            history.append(answer)
            user.remember(history[-2:], thread=thread, wait=False)
            yield str(answer.text)


def main() -> None:
    """Talk with the user at the terminal, until an empty line."""
    model = sys.argv[1] if len(sys.argv) > 1 else os.environ["LONGTERM_MODEL"]
    database = sys.argv[2] if len(sys.argv) > 2 else "chat.db"
    for answer in chat(model, iter(lambda: input("you: "), ""), database=database):
        print("assistant:", answer)


if __name__ == "__main__":
    main()
