"""Tool calls that a model wrote as words → names and arguments. Pure.

Where a server has no parser for its model's template, the calls come through as text, in the
spelling of the model's family. There are too many to list; what they share is the name of a tool
and its arguments: in one JSON object, as a name with JSON after it and only marks between, in
tags, or as a call in Python. Where only its place makes a word a tool's name, it must be one.
"""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from typing_extensions import override

from longterm.extract.reading import json_parts, read_json

__all__ = ["IsTool", "SpelledCall", "spelled_calls"]

#: Tells whether a name, as models write them, is that of a tool.
IsTool = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class SpelledCall:
    """A call that stands in a text."""

    name: str
    #: What was written for the arguments: an object, or a text that may hold one.
    arguments: Any
    #: The text ends inside of it.
    cut: bool = False


def spelled_calls(text: str, is_tool: IsTool) -> list[SpelledCall]:
    """Return the calls in *text*, in their order; none where it is only words."""
    plain_quotes = text.replace("<escape>", '"')  # FunctionGemma
    for read in (_with_tags, _with_json, _in_python, _in_xml):
        if found := list(read(plain_quotes, is_tool)):
            return found
    return []


# Tags with one parameter each

#: A namespace before a tag's name: ``minimax:``, DeepSeek's ``|DSML|``.
_SPACE = r"(?:[|｜]\w+[|｜]|\w+:)?"
#: Templates: (the call, one parameter in it).
_TAGGED = (
    (  # Qwen3-Coder
        re.compile(r"<function=(?P<name>[^>{]+)>(?P<body>.*?)(?P<end></function>|\Z)", re.DOTALL),
        re.compile(
            r"<parameter=(?P<key>[^>]+)>\n?(?P<value>.*?)\n?(?:</parameter>|(?=<parameter=)|\Z)",
            re.DOTALL,
        ),
    ),
    (  # Anthropic's old form, MiniMax, DeepSeek 3.2
        re.compile(
            rf"<{_SPACE}invoke name=[\"'](?P<name>[^\"']+)[\"']>(?P<body>.*?)"
            rf"(?P<end></{_SPACE}invoke>|\Z)",
            re.DOTALL,
        ),
        re.compile(
            rf"<{_SPACE}parameter name=[\"'](?P<key>[^\"']+)[\"'][^>]*>\n?(?P<value>.*?)\n?"
            rf"</{_SPACE}parameter>",
            re.DOTALL,
        ),
    ),
    (  # GLM
        re.compile(
            r"<tool_call>\s*(?P<name>[\w.\-]+)\s*(?=<arg_key>)(?P<body>.*?)(?P<end></tool_call>|\Z)",
            re.DOTALL,
        ),
        re.compile(
            r"<arg_key>(?P<key>.*?)</arg_key>\s*<arg_value>\n?(?P<value>.*?)\n?</arg_value>",
            re.DOTALL,
        ),
    ),
)


def _with_tags(text: str, _is_tool: IsTool) -> Iterator[SpelledCall]:
    for call, parameter in _TAGGED:
        for match in call.finditer(text):
            values = {
                one["key"].strip(): html.unescape(one["value"])
                for one in parameter.finditer(match["body"])
            }
            if values or not match["body"].lstrip().startswith("{"):
                yield SpelledCall(match["name"].strip(), values, not match["end"])


# JSON, with the name in it or in front of it

#: A name at the end of the words before JSON, and the marks of a template between the two.
_NAME_IN_FRONT = re.compile(
    r"""(?P<name>[^\W\d][\w.\-/:]*)
        (?:[\s:(`*"'=>,]|<[^<>]*>|\[CALL_ID\]\w+|\[[A-Z_]+\]|\b(?:json|arguments|input)\b
           |\bAction\ Input\b)*\Z""",
    re.VERBOSE | re.IGNORECASE,
)
#: How many characters before JSON may hold its tool's name, with the marks between.
_IN_FRONT = 300
_BRACKET_MARK = re.compile(r"\[/?[A-Z_]+\]")
#: Keys without case and punctuation.
_NAMES = ("name", "toolname", "tool", "functionname", "function", "action", "recipientname")
_ARGUMENTS = (
    "arguments",
    "parameters",
    "args",
    "input",
    "toolinput",
    "toolarguments",
    "actioninput",
    "kwargs",
    "params",
)
_TOOLS = ("tool", "toolname", "function")
_LISTS = ("toolcalls", "calls", "tooluses", "functioncalls", "functioncall", "toolcall")


def _with_json(text: str, is_tool: IsTool) -> Iterator[SpelledCall]:
    before = 0
    for part in json_parts(text):
        written = text[part.start : part.end]
        if _BRACKET_MARK.fullmatch(written):
            continue
        in_front = text[max(before, part.start - _IN_FRONT) : part.start]
        value, named = read_json(written), _NAME_IN_FRONT.search(in_front)
        calls = [SpelledCall(*call) for call in _calls_in(value, is_tool)]
        if not calls and named and is_tool(named["name"]):
            calls = [SpelledCall(named["name"], value)]
        if calls and not part.closed:
            calls[-1] = replace(calls[-1], cut=True)
        yield from calls
        before = part.end


def _calls_in(data: Any, is_tool: IsTool) -> Iterator[tuple[str, Any]]:
    if isinstance(data, list):
        for item in cast("list[Any]", data):
            yield from _calls_in(item, is_tool)
    if not isinstance(data, Mapping) or not data:
        return
    given = {str(key): value for key, value in cast("Mapping[Any, Any]", data).items()}
    fields = {_squashed(key): value for key, value in given.items()}
    inner = next((fields[key] for key in _LISTS if key in fields), fields.get("function"))
    name = next((fields[key] for key in _NAMES if isinstance(fields.get(key), str)), None)
    arguments = [fields[key] for key in _ARGUMENTS if key in fields]
    tools = [key for key, one in fields.items() if key in _TOOLS and is_tool(str(one))]
    if isinstance(inner, list | Mapping):
        yield from _calls_in(inner, is_tool)
    elif name and arguments:
        yield name, arguments[0]
    elif tools:
        rest = {key: value for key, value in given.items() if _squashed(key) != tools[0]}
        yield fields[tools[0]], rest
    elif all(is_tool(key) and isinstance(one, Mapping | list) for key, one in given.items()):
        for key, one in given.items():
            for value in cast("list[Any]", one if isinstance(one, list) else [one]):
                yield key, value


def _squashed(key: str) -> str:
    return re.sub(r"[\W_]", "", key).lower()


# A call in Python


#: How many closing brackets are tried as the ends of calls.
_CLOSINGS = 200


class _JsonWords(ast.NodeTransformer):
    """Gives JSON's words for constants their values."""

    @override
    def visit_Name(self, node: ast.Name) -> ast.AST:
        words = {"null": None, "none": None, "true": True, "false": False}
        return ast.Constant(words[node.id]) if node.id in words else node


def _in_python(text: str, is_tool: IsTool) -> Iterator[SpelledCall]:
    end, left = 0, _CLOSINGS
    for match in re.finditer(r"(?P<name>[^\W\d][\w.]*)\(", text):
        if match.start() < end or not is_tool(match["name"]):
            continue
        values, closing = None, text.find(")", match.end())
        is_open = closing < 0
        while values is None and closing >= 0 and left:
            end, left = closing + 1, left - 1
            values = _arguments_in(text[match.start() : end])
            closing = text.find(")", end)
        if values is not None or is_open or not left:
            yield SpelledCall(match["name"], values or {}, cut=values is None)
        end = end if values is not None else 0


def _arguments_in(code: str) -> dict[str, Any] | None:
    try:
        node = ast.parse(code, mode="eval").body
        if isinstance(node, ast.Call) and not node.args:
            words = _JsonWords()
            return {str(one.arg): ast.literal_eval(words.visit(one.value)) for one in node.keywords}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass  # it closes further on, or is only words that look like a call
    return None


# The tool's name as a tag


def _in_xml(text: str, is_tool: IsTool, wrapped: int = 2) -> Iterable[SpelledCall]:
    element = re.compile(r"<(?P<name>\w[\w.\-]*)>(?P<body>.*?)</(?P=name)>", re.DOTALL)
    for match in element.finditer(text):
        inner = {
            one["name"]: html.unescape(one["body"].strip())
            for one in element.finditer(match["body"])
        }
        if inner and is_tool(match["name"]):
            yield SpelledCall(match["name"], inner)
        elif inner and wrapped:
            yield from _in_xml(match["body"], is_tool, wrapped - 1)
