"""The shape of the library: which way imports point, and what is called in one place only."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import longterm

ROOT = Path(longterm.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

#: Rooms from the ground up, and what each may import besides itself. A room that is not here
#: fails the test: give it its place.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "text": set(),
    "types": set(),
    "memory": {"errors", "text"},
    "guard": {"errors", "memory", "text"},
    "effects": {"errors"},
    "testing": {"effects", "errors"},
    "stores": {"effects", "errors", "text"},
    "models": {"errors", "text"},
    "commit": {"effects", "errors", "guard", "memory", "text"},
    "history": {"commit", "effects", "errors", "memory", "stores", "text"},
    "extract": {"effects", "errors", "memory", "models", "text"},
    "recall": {
        "types",
        "commit",
        "effects",
        "errors",
        "guard",
        "history",
        "memory",
        "models",
        "text",
    },
    "short_term": {"effects", "errors", "memory", "models", "text"},
    "prompts": {"types", "commit", "effects", "errors", "extract", "memory", "models", "text"},
    "manage": {
        "types",
        "commit",
        "effects",
        "errors",
        "extract",
        "guard",
        "history",
        "memory",
        "models",
        "recall",
        "text",
    },
    "tools": {"commit", "effects", "errors", "extract", "guard", "manage", "memory"},
    "reflect": {"effects", "errors", "memory", "models"},
    "service": {
        "types",
        "commit",
        "effects",
        "errors",
        "extract",
        "guard",
        "manage",
        "memory",
        "models",
        "recall",
        "reflect",
        "history",
        "text",
    },
    "settings": {
        "effects",
        "errors",
        "extract",
        "guard",
        "models",
        "recall",
        "reflect",
        "service",
        "stores",
    },
    "server": {"errors", "history", "memory", "recall", "service", "settings", "text"},
    "integrations": {
        "commit",
        "effects",
        "errors",
        "guard",
        "manage",
        "memory",
        "models",
        "recall",
        "reflect",
        "service",
        "settings",
        "short_term",
        "tools",
    },
    "graphs": {
        "types",
        "errors",
        "manage",
        "memory",
        "models",
        "prompts",
        "reflect",
        "settings",
        "tools",
    },
    "evals": {"commit", "effects", "errors", "memory", "models", "recall", "settings", "text"},
    "cli": {
        "testing",
        "effects",
        "errors",
        "evals",
        "integrations",
        "manage",
        "models",
        "recall",
        "reflect",
        "service",
        "settings",
        "tools",
        "stores",
        "server",
        "memory",
    },
    "__main__": {"cli"},
    # LangMem's import paths: they only hand on.
    "knowledge": {"types", "manage", "memory", "tools"},
    "utils": {"memory", "prompts", "text"},
    "reflection": {"reflect"},
    "graph_rag": set(),
    "moved": set(),  # paths of the first release
}
#: Packages that only one module, or one package, may import.
FENCED = {
    "psycopg": "stores/postgres",
    "dbos": "reflect/durable",
    "mcp": "server/",
    "fastapi": "server/",
    "starlette": "server/",
    "onnxruntime": "models/embed/",
    "xllamacpp": "models/local/",
    "json_repair": "extract/reading.py",
    "jsonpatch": "extract/edit.py",
}
#: Not the settings: it sets a variable of the engine's own child process.
SETS_THE_ENVIRONMENT = {"models/embed/e5_child.py", "models/local/serving.py"}
#: Statements that an async twin may have: it awaits the same flow, no more.
LONGEST_TWIN = 3
#: Managers and other reflectors are called here as any graph calls them; the demo is a program
#: like its users'.
CALLS_RUNNABLES = {
    "reflect/reflector.py",
    "graphs/deployed.py",
    "graphs/semantic.py",
    "cli/demo.py",
}
#: Where both sides of the bridge are written out.
BRIDGES = {"effects/drivers.py", "effects/runnable.py", "reflect/remote.py"}
#: Functions that remember their last answers for the whole process, and what they are given. No
#: one is given what users said: such caches belong to an object that can be closed and erased.
REMEMBERED = {
    "effects/drivers.py": "names of methods",
    "extract/prompts.py": "tools and schemas",
    "models/local/weights.py": "names of files",
    "stores/rows.py": "names of fields, labels of namespaces",
    "text/quoting.py": "names of tags",
    "text/tokenizer.py": "single words",
}
SUFFIXES_OF_A_STORE = ("store", "stores")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_by(path: Path) -> Iterator[str]:
    """Yield the full names *path* imports, wherever in it."""
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.ImportFrom():
                pytest.fail(f"{name_of(path)} imports relatively")
            case _:
                pass


def rooms_imported_by(path: Path) -> set[str]:
    parts = [name.split(".") for name in imported_by(path)]
    return {rest[0] for package, *rest in parts if package == "longterm" and rest} - {room_of(path)}


def calls_in(path: Path) -> Iterator[tuple[str, str]]:
    """Yield what is called as a method in *path*: the receiver's last name, and the method."""
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.Call(func=ast.Attribute(value=receiver, attr=method)):
                yield ast.unparse(receiver).split(".")[-1], method
            case _:
                pass


def functions_in(path: Path) -> Iterator[ast.AsyncFunctionDef | ast.FunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
            yield node


every_module = pytest.mark.parametrize("path", MODULES, ids=name_of)


@every_module
def test_imports_point_one_way(path: Path) -> None:
    if path.parent == ROOT and path.name == "__init__.py":
        return  # the root hands on from every room
    room = room_of(path)
    assert room in MAY_IMPORT, f"{room} has no place among the rooms yet"
    assert rooms_imported_by(path) <= MAY_IMPORT[room]


def test_the_arrows_have_no_circle() -> None:
    placed: set[str] = set()
    while len(placed) < len(MAY_IMPORT):
        free = {room for room in MAY_IMPORT.keys() - placed if MAY_IMPORT[room] <= placed}
        assert free, f"a circle among {sorted(MAY_IMPORT.keys() - placed)}"
        placed |= free


def test_no_two_modules_import_each_other() -> None:
    modules = {
        ".".join(["longterm", *path.relative_to(ROOT).with_suffix("").parts]): path
        for path in MODULES
        if path.name != "__init__.py"
    }
    waiting: dict[str, set[str]] = {}
    for name, path in modules.items():
        imported = set(imported_by(path))
        imported |= {one.rpartition(".")[0] for one in imported}
        waiting[name] = imported & modules.keys() - {name}
    while free := {name for name, others in waiting.items() if not others & waiting.keys()}:
        waiting = {name: others for name, others in waiting.items() if name not in free}
    assert not waiting, f"a circle among {sorted(waiting)}"


@every_module
def test_nobody_imports_the_root(path: Path) -> None:
    names = set(longterm.__all__)
    assert not {f"longterm.{name}" for name in names} & set(imported_by(path))


@every_module
def test_models_are_asked_in_the_drivers_only(path: Path) -> None:
    if name_of(path) in {"effects/drivers.py", *CALLS_RUNNABLES}:
        return
    asked = [(who, what) for who, what in calls_in(path) if what in ("invoke", "ainvoke")]
    assert not [who for who, _ in asked if who not in ("super()", "self")]


@every_module
def test_stores_are_batched_in_the_drivers_only(path: Path) -> None:
    if name_of(path) == "effects/drivers.py" or room_of(path) == "stores":
        return
    batched = [(who, what) for who, what in calls_in(path) if what in ("batch", "abatch")]
    assert not [who for who, _ in batched if who.endswith(SUFFIXES_OF_A_STORE)]


@every_module
def test_stores_are_written_through_commit_only(path: Path) -> None:
    if name_of(path).startswith(("commit/", "effects/", "stores/", "testing/")):
        return
    built = {node.id for node in ast.walk(tree_of(path)) if isinstance(node, ast.Name)}
    assert not built & {"PutOp", "put_op"}
    assert not {"longterm.effects.steps.write", "longterm.effects.steps.replace"} & set(
        imported_by(path)
    )
    writes = {"put", "aput", "delete", "adelete", "put_all_if", "aput_all_if"}
    written = [(who, what) for who, what in calls_in(path) if what in writes]
    assert not [who for who, _ in written if who.endswith(SUFFIXES_OF_A_STORE)]


@every_module
def test_the_environment_is_read_in_settings_only(path: Path) -> None:
    if name_of(path) in {"settings.py", *SETS_THE_ENVIRONMENT}:
        return
    read = {"environ", "getenv", "environb", "putenv"}
    names = {node.attr for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute)}
    imported = {name.split(".")[-1] for name in imported_by(path)}
    assert not read & (names | imported)


@every_module
def test_no_cache_of_the_process_holds_what_users_said(path: Path) -> None:
    caches = {"functools.lru_cache", "functools.cache"} & set(imported_by(path))
    assert not caches or name_of(path) in REMEMBERED


@every_module
def test_fenced_packages_stay_behind_their_fence(path: Path) -> None:
    packages = {name.split(".")[0] for name in imported_by(path)}
    for package in packages & FENCED.keys():
        assert name_of(path).startswith(FENCED[package])


@every_module
def test_a_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


@every_module
def test_a_module_lists_its_surface_sorted(path: Path) -> None:
    lists = [
        ast.literal_eval(node.value)
        for node in tree_of(path).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    if path.name == "__init__.py" and not lists:
        assert not any(True for _ in imported_by(path)), "a package that imports lists its surface"
        return
    (names,) = lists
    assert names == sorted(names, key=lambda name: (_style(name), name))
    assert len(names) == len(set(names))


def _style(name: str) -> int:
    """Sort as ruff does: CONSTANTS, then Classes, then functions."""
    return 0 if name.isupper() else 1 if name[0].isupper() else 2


@every_module
def test_async_twins_have_no_body_of_their_own(path: Path) -> None:
    functions = list(functions_in(path))
    sync_names = {node.name for node in functions if isinstance(node, ast.FunctionDef)}
    for node in functions:
        if isinstance(node, ast.AsyncFunctionDef) and node.name.removeprefix("a") in sync_names:
            statements = [part for part in node.body if not isinstance(part, ast.Expr)]
            assert len(statements) <= LONGEST_TWIN or name_of(path) in BRIDGES


def test_the_page_on_architecture_names_only_what_is_there() -> None:
    page = (ROOT.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?|[a-z_]+\.py)`", page))
    assert named
    rooms = {name.removeprefix("src/longterm/") for name in named if not name.startswith("tests")}
    assert not [name for name in rooms if not (ROOT / name).exists()]


def test_the_page_on_architecture_has_every_room() -> None:
    page = (ROOT.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = re.findall(r"^## Rooms\n+```\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"([a-z_]+)(?:/|\.py)", rooms[0]))
    assert {*MAY_IMPORT} - {"__main__"} <= named


def test_its_walks_name_only_functions_that_are_there() -> None:
    page = (ROOT.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    walks = re.findall(r"`([a-z_/0-9]+\.py)`\s+\((`[^)]+`)\)", page)
    assert walks
    missing = [
        (path, name)
        for path, names in walks
        for name in re.findall(r"`([\w.]+)`", names)
        for part in name.split(".")
        if not re.search(rf"\b(?:def|class) {part}\b", (ROOT / path).read_text(encoding="utf-8"))
    ]
    assert not missing
