"""What users import: LangMem's names, at LangMem's paths, with LangMem's parameters."""

import importlib
import inspect
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest

import longterm
from longterm.knowledge import extraction
from longterm.memory.namespace import NamespaceTemplate

POSITIONAL = inspect.Parameter.POSITIONAL_ONLY
EITHER = inspect.Parameter.POSITIONAL_OR_KEYWORD
KEYWORD = inspect.Parameter.KEYWORD_ONLY

#: LangMem's paths, and what its users import from there.
PATHS = {
    "longterm": [
        "create_manage_memory_tool",
        "create_memory_manager",
        "create_memory_searcher",
        "create_memory_store_manager",
        "create_multi_prompt_optimizer",
        "create_prompt_optimizer",
        "create_search_memory_tool",
        "create_thread_extractor",
        "Prompt",
        "ReflectionExecutor",
    ],
    "longterm.short_term": [
        "RunningSummary",
        "SummarizationNode",
        "SummarizationResult",
        "asummarize_messages",
        "summarize_messages",
    ],
    "longterm.prompts.types": [
        "AnnotatedTrajectory",
        "MultiPromptOptimizerInput",
        "OptimizerInput",
    ],
    "longterm.short_term.summarization": [
        "RunningSummary",
        "SummarizationNode",
        "SummarizationResult",
        "asummarize_messages",
        "summarize_messages",
    ],
    "longterm.prompts": ["create_multi_prompt_optimizer", "create_prompt_optimizer"],
    "longterm.prompts.optimization": [
        "GradientOptimizerConfig",
        "MetapromptOptimizerConfig",
        "create_gradient_prompt_optimizer",
        "create_metaprompt_optimizer",
        "create_multi_prompt_optimizer",
        "create_prompt_optimizer",
    ],
    "longterm.prompts.gradient": [
        "GradientOptimizerConfig",
        "GradientPromptOptimizer",
        "create_gradient_prompt_optimizer",
    ],
    "longterm.prompts.metaprompt": [
        "MetaPromptOptimizer",
        "MetapromptOptimizerConfig",
        "create_metaprompt_optimizer",
    ],
    "longterm.prompts.stateless": ["PromptMemory", "PromptMemoryMultiple"],
    "longterm.prompts.stateful": ["general_reflection_graph", "update_general"],
    "longterm.prompts.utils": ["get_prompt_extraction_schema", "get_trajectory_clean"],
    "longterm.graphs.auth": ["auth", "filter_store_requests"],
    "longterm.graphs.prompts": ["optimize_prompts"],
    "longterm.graphs.semantic": ["PreferenceMemory", "graph"],
    "longterm.reflection": [
        "LocalReflectionExecutor",
        "MemoryItem",
        "ReflectionExecutor",
        "RemoteReflectionExecutor",
    ],
    "longterm.utils": [
        "NamespaceTemplate",
        "dumps",
        "format_sessions",
        "get_conversation",
        "get_dialated_windows",
        "get_var_healer",
    ],
    "longterm.knowledge.extraction": ["ExtractedMemory", "Memory", "MemoryStoreManager"],
    "longterm.knowledge.tools": ["create_manage_memory_tool", "create_search_memory_tool"],
    "longterm.errors": ["ConfigurationError"],
}

#: For each function, its parameters by kind, as LangMem's users call it.
SIGNATURES = {
    "create_memory_manager": {
        POSITIONAL: ["model"],
        KEYWORD: ["schemas", "instructions", "enable_inserts", "enable_updates", "enable_deletes"],
    },
    "create_memory_store_manager": {
        POSITIONAL: ["model"],
        KEYWORD: [
            "schemas",
            "instructions",
            "default",
            "default_factory",
            "enable_inserts",
            "enable_updates",
            "enable_deletes",
            "query_model",
            "query_limit",
            "namespace",
            "store",
            "phases",
        ],
    },
    "create_manage_memory_tool": {
        EITHER: ["namespace"],
        KEYWORD: ["instructions", "schema", "actions_permitted", "store", "name"],
    },
    "create_search_memory_tool": {
        EITHER: ["namespace"],
        KEYWORD: ["instructions", "store", "response_format", "name"],
    },
    "create_memory_searcher": {EITHER: ["model", "prompt"], KEYWORD: ["namespace"]},
    "create_thread_extractor": {POSITIONAL: ["model"], EITHER: ["schema", "instructions"]},
}

#: Defaults that LangMem's users rely on.
DEFAULTS = {
    "create_memory_manager": {
        "enable_inserts": True,
        "enable_updates": True,
        "enable_deletes": False,
    },
    "create_memory_store_manager": {
        "schemas": None,
        "default": None,
        "default_factory": None,
        "enable_inserts": True,
        "enable_updates": True,
        "enable_deletes": False,
        "query_model": None,
        "query_limit": 5,
        "namespace": ("memories", "{langgraph_user_id}"),
        "store": None,
        "phases": None,
    },
    "create_manage_memory_tool": {
        "schema": str,
        "actions_permitted": ("create", "update", "delete"),
        "store": None,
        "name": "manage_memory",
    },
    "create_search_memory_tool": {
        "instructions": "",
        "store": None,
        "response_format": "content",
        "name": "search_memory",
    },
    "create_thread_extractor": {"schema": None},
}

#: What the package needs to load its names when they are asked for.
LOADING = {"Any", "TYPE_CHECKING", "import_module"}

METHODS = {
    "get": {EITHER: ["key"], KEYWORD: ["refresh_ttl", "config"]},
    "search": {KEYWORD: ["query", "filter", "limit", "offset", "refresh_ttl", "config"]},
    "put": {EITHER: ["key", "value", "index"], KEYWORD: ["ttl", "config"]},
    "delete": {EITHER: ["key", "config"]},
    "get_namespace": {EITHER: ["config"]},
}


def parameters_of(function: Any) -> dict[Any, list[str]]:
    found: dict[Any, list[str]] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name != "self":
            found.setdefault(parameter.kind, []).append(parameter.name)
    return found


@pytest.mark.parametrize("path", PATHS)
def test_langmem_s_names_are_where_its_users_import_them(path: str) -> None:
    module = importlib.import_module(path)
    assert set(PATHS[path]) <= set(module.__all__)
    assert all(hasattr(module, name) for name in PATHS[path])


@pytest.mark.parametrize("name", SIGNATURES)
def test_functions_take_what_langmem_s_take(name: str) -> None:
    parameters = parameters_of(getattr(longterm, name))
    for kind, names in SIGNATURES[name].items():
        ours = parameters.get(kind, [])
        assert set(names) <= set(ours) if kind is KEYWORD else names == ours


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_are_langmem_s(name: str) -> None:
    parameters = inspect.signature(getattr(longterm, name)).parameters
    assert {key: parameters[key].default for key in DEFAULTS[name]} == DEFAULTS[name]


def test_the_classes_of_managers_take_what_langmem_s_take() -> None:
    made = inspect.signature(extraction.MemoryStoreManager).parameters
    factory = inspect.signature(longterm.create_memory_store_manager).parameters
    assert made["model"].kind is POSITIONAL
    assert (made["enable_deletes"].default, factory["enable_deletes"].default) == (True, False)
    assert {name for name in made if made[name].default != factory[name].default} == {
        "enable_deletes"
    }
    functional = inspect.signature(extraction.MemoryManager).parameters
    assert functional["model"].kind is EITHER
    assert functional["enable_deletes"].default is False


@pytest.mark.parametrize("name", METHODS)
def test_a_store_manager_has_the_store_s_methods(name: str) -> None:
    assert parameters_of(getattr(extraction.MemoryStoreManager, name)) == METHODS[name]


@pytest.mark.parametrize("name", ["get", "search", "put", "delete"])
def test_an_async_method_takes_what_its_sync_twin_takes(name: str) -> None:
    manager = extraction.MemoryStoreManager
    twin = getattr(manager, f"a{name}")
    assert inspect.iscoroutinefunction(twin)
    assert parameters_of(twin) == parameters_of(getattr(manager, name))


def test_the_package_shows_its_surface_and_nothing_else() -> None:
    shown = {name for name in dir(longterm) if not name.startswith("_")}
    modules = {name for name in shown if inspect.ismodule(getattr(longterm, name))}
    assert shown - modules - LOADING == set(longterm.__all__)


def test_every_public_name_says_what_it_is() -> None:
    assert all(inspect.getdoc(getattr(longterm, name)) for name in longterm.__all__)


def test_a_result_is_a_pair_of_id_and_content() -> None:
    id_, content = extraction.ExtractedMemory("1", "tea")
    assert (id_, content) == ("1", "tea")


def test_a_namespace_template_is_called_with_a_config() -> None:
    template = NamespaceTemplate(("chat", "{user_id}"))
    assert template({"configurable": {"user_id": "ann"}}) == ("chat", "ann")


def test_importing_the_package_loads_neither_graphs_nor_providers() -> None:
    code = "import longterm, sys; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    packages = {"langgraph.pregel", "langchain", "langchain_openai", "openai", "jsonschema"}
    assert not packages & set(done.stdout.split())


def test_rooms_of_langmem_are_attributes_of_the_package() -> None:
    rooms = ("utils", "short_term", "reflection", "prompts", "knowledge", "errors")
    code = f"import longterm; [getattr(longterm, room).__all__ for room in {rooms}]"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - ours


def test_the_package_says_its_version() -> None:
    assert longterm.__version__ == version("longterm")
