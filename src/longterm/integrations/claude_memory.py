"""Anthropic's memory tool (``memory_20250818``) over any store: Claude's files are items of it.

Each file is one item, its path the key and ``{"content": text}`` the value. The commands and
their answers are those of Anthropic's documentation; every path lies below ``/memories``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from anthropic.lib.tools import (
    BetaAbstractMemoryTool,
    BetaAsyncAbstractMemoryTool,
    ToolError,
)
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, Item
from typing_extensions import override

from longterm.commit import Policy, Write, commit, if_unchanged
from longterm.effects.drivers import arun, run
from longterm.effects.steps import fetch, get_op, search_exactly
from longterm.errors import ConflictError, GuardedError
from longterm.guard import GuardOption, guard_of
from longterm.memory.namespace import Namespace, NamespaceTemplate

__all__ = ["AsyncStoreMemoryTool", "StoreMemoryTool"]

_ROOT = "/memories"
#: Lines of one file that a view shows.
_LINES = 16_000


class StoreMemoryTool(BetaAbstractMemoryTool):
    """Claude's memory folder in *store*: ``client.beta.messages.run_tools(…, tools=[tool])``.

    *namespace* says whose files they are, with placeholders filled from *config*. *guard* looks at
    each file before it is written: the default one redacts secrets (see `longterm.guard`).
    """

    def __init__(
        self,
        store: BaseStore,
        namespace: tuple[str, ...] = ("claude-memory",),
        config: RunnableConfig | None = None,
        *,
        guard: GuardOption = "default",
    ) -> None:
        super().__init__()
        self._store = store
        place = NamespaceTemplate(namespace).location(config or RunnableConfig())
        self._files = _Files(place, Policy(guard_of(guard)))

    @override
    def execute(self, command: Any) -> str:
        return run(self._files.answer(command), store=self._store)

    view = create = str_replace = insert = delete = rename = execute


class AsyncStoreMemoryTool(BetaAsyncAbstractMemoryTool):
    """`StoreMemoryTool` for ``AsyncAnthropic``."""

    def __init__(
        self,
        store: BaseStore,
        namespace: tuple[str, ...] = ("claude-memory",),
        config: RunnableConfig | None = None,
        *,
        guard: GuardOption = "default",
    ) -> None:
        super().__init__()
        self._store = store
        place = NamespaceTemplate(namespace).location(config or RunnableConfig())
        self._files = _Files(place, Policy(guard_of(guard)))

    @override
    async def execute(self, command: Any) -> str:
        return await arun(self._files.answer(command), store=self._store)

    view = create = str_replace = insert = delete = rename = execute


class _Files:
    """The commands, as flows; what the model did wrong is a `ToolError` it reads."""

    def __init__(self, namespace: Namespace, policy: Policy) -> None:
        self._namespace = namespace
        self._policy = policy

    async def answer(self, command: Any) -> str:
        try:
            return await self._answer(command)
        except (ConflictError, GuardedError) as error:
            raise ToolError(f"Error: {error}") from error

    async def _answer(self, command: Any) -> str:
        match command.command:
            case "view":
                return await self._view(_below_root(command.path), command.view_range)
            case "create":
                path = _below_root(command.path)
                if await self._file(path) is not None:
                    raise ToolError(f"Error: File {path} already exists")
                await self._make_room(path)
                value = {"content": command.file_text or ""}
                await self._write([Write(self._namespace, path, if_unchanged(None, value))])
                return f"File created successfully at: {path}"
            case "str_replace":
                return await self._replace(command)
            case "insert":
                return await self._insert(command)
            case "delete":
                path = _below_root(command.path)
                gone = await self._at(path)
                if path == _ROOT:
                    raise ToolError(f"Error: {_ROOT} itself cannot be deleted")
                await self._write([Write(self._namespace, one, None) for one in gone])
                return f"Successfully deleted {path}"
            case "rename":
                return await self._rename(_below_root(command.old_path), command.new_path)
            case other:
                raise ToolError(f"Error: There is no command {other!r}")

    async def _view(self, path: str, lines: list[int] | None) -> str:
        text = await self._file(path)
        if text is None:
            below = await self._at(path, root_may_be_empty=True)
            sizes = (f"{len(_text_of(below[one]).encode())}\t{one}" for one in sorted(below))
            head = f"Here're the files in {path}, with their sizes in bytes:"
            return "\n".join([head, *sizes])
        numbered = list(enumerate(text.split("\n"), 1))
        if lines:
            first, last = lines[0], lines[1] if len(lines) > 1 else -1
            if not 1 <= first <= len(numbered):
                raise ToolError(f"Error: {path} has lines 1 to {len(numbered)}")
            numbered = numbered[first - 1 : None if last == -1 else last]
        shown = "\n".join(f"{number:6d}\t{line}" for number, line in numbered[:_LINES])
        return f"Here's the content of {path} with line numbers:\n{shown}"

    async def _replace(self, command: Any) -> str:
        path = _below_root(command.path)

        def replaced(text: str) -> str:
            count = text.count(command.old_str) if command.old_str else 0
            if count != 1:
                found = "did not appear" if count == 0 else f"appears {count} times"
                raise ToolError(
                    f"Error: No replacement: old_str {found} in {path}; it must be unique"
                )
            return text.replace(command.old_str, command.new_str or "")

        await self._edit(path, replaced)
        return f"The memory file {path} has been edited."

    async def _insert(self, command: Any) -> str:
        path = _below_root(command.path)
        line: object = command.insert_line

        def inserted(text: str) -> str:
            lines = text.split("\n")
            if not isinstance(line, int) or not 0 <= line <= len(lines):
                raise ToolError(f"Error: insert_line must be from 0 to {len(lines)}")
            lines.insert(line, (command.insert_text or "").removesuffix("\n"))
            return "\n".join(lines)

        await self._edit(path, inserted)
        return f"The file {path} has been edited."

    async def _rename(self, old: str, to: str) -> str:
        new = _below_root(to)
        files = await self._at(old)
        if old == _ROOT or (new + "/").startswith(old + "/"):
            raise ToolError(f"Error: {old} cannot be moved to {new}")
        if await self._files_at(new):
            raise ToolError(f"Error: The destination {new} already exists")
        await self._make_room(new)
        # As they were read: what another call writes meanwhile is not lost.
        gone = [
            Write(self._namespace, path, if_unchanged(file, None)) for path, file in files.items()
        ]
        moved = [
            Write(self._namespace, new + path.removeprefix(old), if_unchanged(None, file.value))
            for path, file in files.items()
        ]
        await self._write([*gone, *moved], Policy())  # they were looked at
        return f"Successfully renamed {old} to {new}"

    async def _file(self, path: str) -> str | None:
        [item] = await fetch([get_op(self._namespace, path, refresh_ttl=False)])
        return None if item is None else _text_of(item)

    async def _make_room(self, path: str) -> None:
        """Raise a `ToolError` where a file at *path* would hide others, or be hidden by one."""
        if path == _ROOT or await self._files_at(path):
            raise ToolError(f"Error: {path} is a folder; name a file in it")
        above = accumulate(path.split("/")[:-1], "{}/{}".format)
        places = [get_op(self._namespace, one, refresh_ttl=False) for one in above]
        for item in await fetch(places):
            if item is not None:
                raise ToolError(f"Error: {item.key} is a file; it can hold no other")

    async def _files_at(self, path: str) -> dict[str, Item]:
        items = await search_exactly(self._namespace, refresh_ttl=False)
        below = f"{path}/"
        return {item.key: item for item in items if item.key == path or item.key.startswith(below)}

    async def _at(self, path: str, *, root_may_be_empty: bool = False) -> dict[str, Item]:
        files = await self._files_at(path)
        if not files and not (root_may_be_empty and path == _ROOT):
            raise ToolError(f"Error: The path {path} does not exist")
        return files

    async def _edit(self, path: str, change: Callable[[str], str]) -> None:
        """Write what *change* makes of a file as it is then: another call may have changed it."""

        def edited(item: Item | None) -> dict[str, Any]:
            if item is None:
                raise ToolError(f"Error: The path {path} does not exist or is no file")
            return {"content": change(_text_of(item))}

        await self._write([Write(self._namespace, path, edited)])

    async def _write(self, writes: Sequence[Write], policy: Policy | None = None) -> None:
        (await commit(writes, actor="tool", policy=policy or self._policy)).checked()


def _text_of(item: Item) -> str:
    return str(item.value.get("content", ""))


def _below_root(path: object) -> str:
    """Return *path* in its plain form; a `ToolError` where it leaves the folder, or is none."""
    if not isinstance(path, str):
        raise ToolError(f"Error: A path below {_ROOT} is missing")
    plain = posixpath.normpath(path.replace("\\", "/"))
    if "\0" in plain or not (plain == _ROOT or plain.startswith(f"{_ROOT}/")):
        raise ToolError(f"Error: Paths begin with {_ROOT}, {path!r} does not")
    return plain
