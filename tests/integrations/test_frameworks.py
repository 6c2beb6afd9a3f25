"""Memory in other frameworks, with their real packages; each is skipped where it is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langgraph.store.base import Op, Result, SearchOp
from langgraph.store.memory import InMemoryStore

import longterm
from longterm.guard import Guard
from longterm.integrations.middleware import LongtermMiddleware
from longterm.integrations.openai_agents import LongtermSession
from longterm.service import MemoryService
from longterm.stores import EmbeddedStore
from longterm.testing import ScriptedChatModel, tool_calls


@pytest.fixture
def service() -> Iterator[MemoryService]:
    with longterm.open(":memory:", embeddings=None) as opened:
        yield opened


def claude(tool: Any, command: str, **fields: Any) -> str:
    """Return what the tool answers to a call as the API sends it; errors as the model sees them."""
    tools = pytest.importorskip("anthropic.lib.tools")
    try:
        return str(tool.call({"command": command, **fields}))
    except tools.ToolError as error:
        return str(error)


def test_claude_keeps_files_in_a_store() -> None:
    module = pytest.importorskip("longterm.integrations.claude_memory")
    store = InMemoryStore()
    tool = module.StoreMemoryTool(store, ("files", "{user_id}"), {"configurable": {"user_id": "a"}})
    note = "/memories/notes/tea.md"
    assert "created" in claude(tool, "create", path=note, file_text="green\nblack")
    assert "already exists" in claude(tool, "create", path=note, file_text="lost")
    assert "     2\tblack" in claude(tool, "view", path=note)
    assert claude(tool, "view", path=note, view_range=[2, 2]).endswith("\tblack")
    assert note in claude(tool, "view", path="/memories")
    claude(tool, "str_replace", path=note, old_str="black", new_str="white")
    claude(tool, "insert", path=note, insert_line=0, insert_text="Teas:\n")
    assert [item.value for item in store.search(("files", "a"))] == [
        {"content": "Teas:\ngreen\nwhite"}
    ]
    assert "must be unique" in claude(tool, "str_replace", path=note, old_str="e", new_str="")
    assert "renamed" in claude(tool, "rename", old_path="/memories/notes", new_path="/memories/x")
    assert "does not exist" in claude(tool, "view", path=note)
    assert "deleted" in claude(tool, "delete", path="/memories/x")
    assert store.search(("files",)) == []


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/memories/../etc", "memories/x", "/memories/..\\..\\x", "/memoriesx"]
)
def test_claude_stays_in_its_folder(path: str) -> None:
    module = pytest.importorskip("longterm.integrations.claude_memory")
    store = InMemoryStore()
    answer = claude(module.StoreMemoryTool(store), "create", path=path, file_text="x")
    assert "begin with /memories" in answer
    assert store.search(()) == []


@pytest.mark.parametrize("command", ["create", "rename"])
@pytest.mark.parametrize(
    "path", ["/memories", "/memories/notes", "/memories/notes/tea.md/x", "/memories/notes/tea.md"]
)
def test_no_file_of_claude_s_hides_others(command: str, path: str) -> None:
    module = pytest.importorskip("longterm.integrations.claude_memory")
    tool = module.StoreMemoryTool(InMemoryStore())
    for known in ("/memories/notes/tea.md", "/memories/todo.md"):
        claude(tool, "create", path=known, file_text="green")
    before = claude(tool, "view", path="/memories")
    fields = {"path": path, "file_text": "lost", "old_path": "/memories/todo.md", "new_path": path}
    assert claude(tool, command, **fields).startswith("Error: ")
    assert claude(tool, "view", path="/memories") == before


def test_edits_of_one_file_that_come_together_all_count() -> None:
    module = pytest.importorskip("longterm.integrations.claude_memory")
    lines = [f"line {number}." for number in range(20)]
    with EmbeddedStore(":memory:") as store:
        tool = module.StoreMemoryTool(store)
        claude(tool, "create", path="/memories/a", file_text="\n".join(lines))

        def edit(line: str) -> str:
            return claude(tool, "str_replace", path="/memories/a", old_str=line, new_str="done")

        with ThreadPoolExecutor(8) as pool:
            assert all("edited" in answer for answer in pool.map(edit, lines))
        assert claude(tool, "view", path="/memories/a").count("done") == len(lines)


class Meanwhile(InMemoryStore):
    """A store to which another call writes just after it was searched so often."""

    searches = 0
    another: Callable[[], object] | None = None

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        asked = list(ops)
        answers = super().batch(asked)
        if self.another and any(isinstance(op, SearchOp) for op in asked):
            self.searches -= 1
            if not self.searches:
                self.another()
        return answers


@pytest.mark.parametrize(("command", "searches"), [("create", 1), ("rename", 2)])
def test_a_file_that_came_meanwhile_is_not_written_over(command: str, searches: int) -> None:
    module = pytest.importorskip("longterm.integrations.claude_memory")
    store = Meanwhile()
    tool = module.StoreMemoryTool(store)
    claude(tool, "create", path="/memories/a", file_text="ours")
    store.searches = searches
    store.another = lambda: claude(tool, "create", path="/memories/b", file_text="theirs")
    fields = {"old_path": "/memories/a", "new_path": "/memories/b"}

    answer = claude(tool, command, path="/memories/b", file_text="ours", **fields)

    assert answer.startswith("Error: ")
    assert "theirs" in claude(tool, "view", path="/memories/b")
    assert "ours" in claude(tool, "view", path="/memories/a")


def test_an_edit_of_a_file_that_is_renamed_meanwhile_is_not_lost() -> None:
    module = pytest.importorskip("longterm.integrations.claude_memory")
    store = Meanwhile()
    tool = module.StoreMemoryTool(store)
    claude(tool, "create", path="/memories/a", file_text="old")
    store.searches = 2
    store.another = lambda: claude(
        tool, "str_replace", path="/memories/a", old_str="old", new_str="new"
    )

    answer = claude(tool, "rename", old_path="/memories/a", new_path="/memories/b")

    assert answer.startswith("Error: ")
    assert "new" in claude(tool, "view", path="/memories/a")


@pytest.mark.parametrize("command", ["view", "create", "str_replace", "insert", "delete", "rename"])
def test_what_claude_leaves_out_is_an_answer_it_reads(command: str) -> None:
    module = pytest.importorskip("longterm.integrations.claude_memory")
    assert claude(module.StoreMemoryTool(InMemoryStore()), command).startswith("Error: ")


def test_the_guard_looks_at_what_claude_writes() -> None:
    module = pytest.importorskip("longterm.integrations.claude_memory")
    store, note, said = InMemoryStore(), "/memories/a", "My password is Tulip!94green"
    tool = module.StoreMemoryTool(store)
    claude(tool, "create", path=note, file_text=said)
    claude(tool, "insert", path=note, insert_line=0, insert_text=f"{said}, I said.")
    assert "Tulip" not in claude(tool, "view", path=note)
    assert "[redacted: secret]" in claude(tool, "view", path=note)

    strict = module.StoreMemoryTool(store, guard=Guard(actions={"secret": "block"}))
    assert "secret" in claude(strict, "create", path="/memories/b", file_text=said)
    assert "does not exist" in claude(strict, "view", path="/memories/b")

    free = module.StoreMemoryTool(store, guard=None)
    claude(free, "create", path="/memories/c", file_text=said)
    assert "renamed" in claude(strict, "rename", old_path="/memories/c", new_path="/memories/d")
    assert "Tulip" in claude(strict, "view", path="/memories/d")


async def test_a_session_of_the_agents_sdk_keeps_its_items_and_what_was_said(
    service: MemoryService,
) -> None:
    ann = service.user("ann")
    session = LongtermSession("chat.1", ann.store, memory=ann)
    call = {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}
    said = {"role": "assistant", "content": [{"type": "output_text", "text": "Enjoy your oolong!"}]}
    await session.add_items([{"role": "user", "content": "I love oolong tea"}, call])
    await session.add_items([said])
    assert await session.get_items() == [
        {"role": "user", "content": "I love oolong tea"},
        call,
        said,
    ]
    assert await session.get_items(limit=1) == [said]
    assert await session.pop_item() == said
    await session.clear_session()
    assert (await session.get_items(), await session.pop_item()) == ([], None)
    assert "I love oolong tea" in (await ann.arecall("Which tea does she love?")).text


async def test_a_runner_of_the_agents_sdk_takes_it(service: MemoryService) -> None:
    sessions = pytest.importorskip("agents.memory.session")
    assert isinstance(LongtermSession("1", service.user("ann").store), sessions.Session)


async def test_a_pydantic_agent_recalls_and_remembers(service: MemoryService) -> None:
    module = pytest.importorskip("longterm.integrations.pydantic_ai")
    ai = pytest.importorskip("pydantic_ai")
    testing = pytest.importorskip("pydantic_ai.models.function")
    messages = pytest.importorskip("pydantic_ai.messages")
    seen: list[str] = []

    def answer(history: list[Any], info: Any) -> Any:
        seen.append(str(info.instructions or history[-1].instructions or ""))
        return messages.ModelResponse(parts=[messages.TextPart("Noted.")])

    def memory_of(ctx: Any) -> Any:
        return service.user(ctx.deps)

    capability = module.LongtermCapability(memory_of)
    agent = ai.Agent(testing.FunctionModel(answer), deps_type=str, capabilities=[capability])
    await agent.run("I love oolong tea", deps="ann")
    await agent.run("Which tea do I love?", deps="ann")
    await agent.run("Which tea do I love?", deps="bob")
    assert ["oolong" in instructions for instructions in seen] == [False, True, False]


async def test_googles_kit_finds_what_a_session_said(service: MemoryService) -> None:
    module = pytest.importorskip("longterm.integrations.google_adk")
    sessions = pytest.importorskip("google.adk.sessions.session")
    events = pytest.importorskip("google.adk.events.event")
    types = pytest.importorskip("google.genai.types")
    content = types.Content(role="user", parts=[types.Part(text="I love oolong tea")])
    said = events.Event(author="user", content=content, id="e1", invocation_id="i")
    session = sessions.Session(id="s", app_name="shop", user_id="ann", events=[said])
    memory = module.LongtermMemoryService(service)
    await memory.add_session_to_memory(session)
    await memory.add_session_to_memory(session)
    found = await memory.search_memory(app_name="shop", user_id="ann", query="Which tea?")
    [entry] = found.memories
    assert entry.content.parts[0].text.count("I love oolong tea") == 1
    other = await memory.search_memory(app_name="shop", user_id="bob", query="Which tea?")
    assert other.memories == []


async def test_a_llama_index_memory_recalls_what_left_it(service: MemoryService) -> None:
    module = pytest.importorskip("longterm.integrations.llama_index")
    types = pytest.importorskip("llama_index.core.base.llms.types")
    block = module.LongtermMemoryBlock(service.user("ann"))
    await block.aput([types.ChatMessage(role="user", content="I love oolong tea")])
    asked = [types.ChatMessage(role="user", content="Which tea do I love?")]
    assert "I love oolong tea" in await block.aget(asked)
    assert await block.aget([]) == ""


@pytest.fixture
def broken() -> MemoryService:
    with longterm.open(":memory:", embeddings=None) as opened:
        return opened


async def test_a_session_of_the_agents_sdk_goes_on_where_memory_fails(
    broken: MemoryService,
) -> None:
    session = LongtermSession("chat.1", InMemoryStore(), memory=broken.user("ann"))
    said = {"role": "user", "content": "I love oolong tea"}
    await session.add_items([said])
    assert await session.get_items() == [said]


async def test_a_pydantic_agent_answers_where_memory_fails(broken: MemoryService) -> None:
    module = pytest.importorskip("longterm.integrations.pydantic_ai")
    ai = pytest.importorskip("pydantic_ai")
    models = pytest.importorskip("pydantic_ai.models.test")
    capability = module.LongtermCapability(broken.user("ann"))
    agent = ai.Agent(models.TestModel(custom_output_text="Noted."), capabilities=[capability])
    assert (await agent.run("I love oolong tea")).output == "Noted."


async def test_a_llama_index_agent_answers_where_memory_fails(broken: MemoryService) -> None:
    module = pytest.importorskip("longterm.integrations.llama_index")
    types = pytest.importorskip("llama_index.core.base.llms.types")
    block = module.LongtermMemoryBlock(broken.user("ann"))
    said = [types.ChatMessage(role="user", content="I love oolong tea")]
    await block.aput(said)
    assert await block.aget(said) == ""


async def test_googles_kit_finds_nothing_where_memory_fails(broken: MemoryService) -> None:
    module = pytest.importorskip("longterm.integrations.google_adk")
    memory = module.LongtermMemoryService(broken)
    found = await memory.search_memory(app_name="shop", user_id="ann", query="Which tea?")
    assert found.memories == []


def test_a_deep_agent_and_its_helper_remember_through_the_middleware(
    service: MemoryService,
) -> None:
    deep = pytest.importorskip("deepagents")
    store, config = service.user("ann").store, {"configurable": {"user_id": "ann"}}
    learning = ScriptedChatModel(*["Nothing."] * 4)
    memory = LongtermMiddleware.of(learning, store, user="{user_id}")
    task = {"description": "Find a tea.", "subagent_type": "librarian"}
    chat = ScriptedChatModel(tool_calls(("task", task)), "Oolong.", "You love oolong.")
    helper: dict[str, Any] = {"name": "librarian", "description": "Looks things up."}
    helper |= {"system_prompt": "You look things up.", "tools": [], "middleware": [memory]}
    helper["model"] = ScriptedChatModel("There is oolong.")
    agent = deep.create_deep_agent(model=chat, subagents=[helper], middleware=[memory], store=store)

    agent.invoke({"messages": [("user", "I love oolong tea. Find me one.")]}, config)
    agent.invoke({"messages": [("user", "Which tea do I love?")]}, config)

    assert "user: I love oolong tea. Find me one." in chat.asked[2].text
    turns = {item.value["content"] for item in store.search(("turns", "ann"), limit=20)}
    assert {"Find a tea.", "There is oolong.", "Oolong.", "You love oolong."} <= turns
