"""``longterm record``, ``remember``, ``recall``: what was said, learned from and found again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from langchain_core.runnables import RunnableConfig

from longterm.cli.chats import Chat, chats_in_text, message_chat, read_chats
from longterm.cli.options import Budget, Embeddings, Json, Model, Namespace, Store, User
from longterm.cli.place import Place
from longterm.cli.showing import bar, one_line, print_json, print_line
from longterm.cli.stdin import STDIN, argument
from longterm.effects.drivers import run as run_flow
from longterm.errors import ConfigurationError, InvalidInputError
from longterm.recall.recorder import ConversationRecorder, create_conversation_recorder
from longterm.recall.retriever import create_recall
from longterm.recall.turns import Turn
from longterm.service import recall_json
from longterm.service.costs import total_cost

__all__ = ["app"]

app = typer.Typer()

#: Turns that are stored at once, so that the bar moves.
_AT_ONCE = 64

Files = Annotated[
    list[str],
    typer.Argument(
        help="Chat files (JSON, JSONL, LoCoMo, BEAM), a message in quotes, - for standard input."
    ),
]
Thread = Annotated[str, typer.Option(help="The thread; else the file's path.")]


@app.command("record")
def record_command(
    files: Files,
    *,
    store: Store = None,
    user: User = "me",
    namespace: Namespace = "",
    thread: Thread = "",
    embeddings: Embeddings = "auto",
    json: Json = False,
) -> None:
    """Keep the messages of chat files word for word; a message is stored once."""
    place = Place(store, user, namespace, embeddings)
    chats = _chats_from(files)
    total = sum(len(chat.messages) for chat in chats)
    recorder = create_conversation_recorder(
        namespace=place.named or ("turns", "{langgraph_user_id}")
    )
    # All of them before the first is stored: a message of unknown form is an error.
    parts = [part for chat in chats for part in _parts(recorder, chat, place, thread)]
    with place.opened() as service:
        steps = (
            run_flow(recorder.keep(said, config), config, store=service.store)
            for said, config in parts
        )
        new = sum(map(len, bar("recording", steps, len(parts))))
    if json:
        print_json({"recorded": new, "messages": total, "store": place.shown})
    else:
        print_line(f"{new} new of {total} messages recorded in {place.shown}.")


@app.command("remember")
def remember_command(
    files: Files,
    *,
    model: Model = None,
    store: Store = None,
    user: User = "me",
    thread: Thread = "",
    embeddings: Embeddings = "auto",
    json: Json = False,
) -> None:
    """Record chat files, and have a model extract memories from them."""
    chats = _chats_from(files)
    with Place(store, user, embeddings=embeddings).opened(model) as service:
        if not service.learns:
            raise ConfigurationError(
                "Nothing can be extracted without a model: pass --model openai:gpt-5 (or set "
                "LONGTERM_MODEL). To keep messages without one, use: longterm record"
            )
        ours = service.user(user)
        steps = (ours.remember(one.messages, thread=thread or one.thread) for one in chats)
        learned = list(bar("learning", steps, len(chats)))
    changes = [change for part in learned for change in part]
    if json:
        print_json([change.as_json() for change in changes])
        return
    for change in changes:
        print_line(f"{change.action} {change.id} {one_line(change.content)}")
    tokens = sum(part.tokens or 0 for part in learned)
    cost = total_cost([part.cost for part in learned])
    spent = [f"{tokens:,} tokens"] * bool(tokens) + [f"${cost:.4f}"] * bool(cost)
    changed = f"{len(changes)} {'memory' if len(changes) == 1 else 'memories'} changed"
    print_line(f"{', '.join([changed, *spent])}.")


@app.command("recall")
def recall_command(
    question: Annotated[
        str, typer.Argument(help="What you want to know, or - for standard input.")
    ],
    *,
    store: Store = None,
    user: User = "me",
    namespace: Namespace = "",
    budget: Budget = 2_000,
    limit: Annotated[
        int | None, typer.Option(help="How many items at most; else as many as fit.", min=0)
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say why, item by item.")] = False,
    now: Annotated[
        datetime | None, typer.Option(help='What "last week" is relative to; else today.')
    ] = None,
    embeddings: Embeddings = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print items, scores and parts.")] = False,
) -> None:
    """Find what was said and learned that matters to a question."""
    place, question = Place(store, user, namespace, embeddings), argument(question)
    with place.existing() as service:
        if place.named:
            config = place.config(**({"now": now} if now else {}))
            asked = create_recall(namespace=place.named, limit=limit, budget=budget)
            found = run_flow(asked.flow(question, config), config, store=service.store)
        else:
            found = service.user(user).recall(question, limit=limit, budget=budget, now=now)
    if json:
        shown = recall_json(found)
        for item, fields in zip(found.items, shown["items"], strict=True):
            # The id's name in the first release, and what tells one user's items from another's.
            fields |= {"key": item.key, "namespace": list(item.namespace)}
        print_json(shown)
    elif explain:
        print_line(found.explain())
    elif found.text:
        print_line(found.text)
    else:
        print_line(place.nothing, err=True)


def _chats_from(files: Sequence[str]) -> list[Chat]:
    """Read chat files; what is no file and has a space in it is a message itself."""
    chats: list[Chat] = []
    for file in files:
        if file == STDIN:
            chats += chats_in_text(argument(file))
        elif not Path(file).exists() and " " in file.strip():
            chats.append(message_chat(file))
        elif not (Path(file).exists() or Path(file).suffix or Path(file).name != file):
            raise InvalidInputError(
                f"There is no file {file}. If it is a message of one word, give it by standard "
                f"input: echo {file} | longterm record -"
            )
        else:
            chats += read_chats(Path(file))
    return chats


def _parts(
    recorder: ConversationRecorder, chat: Chat, place: Place, thread: str
) -> Iterator[tuple[Sequence[Turn], RunnableConfig]]:
    config = place.config(thread_id=thread or chat.thread)
    try:
        said = recorder.turns_in(chat.messages, config)
    except InvalidInputError as error:
        raise InvalidInputError(f"{chat.thread}: {error}") from error
    for start in range(0, len(said), _AT_ONCE):
        yield said[start : start + _AT_ONCE], config
