"""Tool calls that a model wrote as words → names and arguments. Pure.

Where a server has no parser for its model's template, the calls come through as text, in the
spelling of the model's family: JSON objects with a name and arguments (bare, in a fence, in
``<tool_call>``, after ``[TOOL_CALLS]``), marks around a name and JSON, tags with one parameter
each, or a line of Python. Spellings with a name outside the JSON are tried before bare JSON.
"""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from longterm.extract.reading import cut_off, read_json

__all__ = ["SpelledCall", "spelled_calls"]


@dataclass(frozen=True, slots=True)
class SpelledCall:
    """A call that stands in a text."""

    name: str
    #: What was written for the arguments: an object, or a text that may hold one.
    arguments: Any
    #: The text ends inside of it.
    cut: bool = False


#: Templates with a name in front of JSON. The JSON runs to the next mark or to the end.
_NAMED_JSON = re.compile(
    r"""(?:
      <function=(?P<llama>[^>\s{]+)>\s*(?=\{)                                # Llama
    | \[TOOL_CALLS\]\s*(?P<mistral>[\w.\-:/]+)\s*(?:\[[A-Z_]+\][^\[{]*)*(?=\{)    # Mistral
    | <[|｜]tool[▁_]call[▁_]begin[|｜]>\s*(?:function\s*<[|｜]tool[▁_]sep[|｜]>)?\s*
      (?P<deepseek>[^\s<]+?)(?::\d+)?\s*
      (?:<[|｜]tool[▁_](?:sep|call_argument_begin)[|｜]>)?\s*
      (?:```(?:json)?\s*)?(?=\{)                                            # DeepSeek, Kimi
    | \bto=(?P<harmony>[\w.\-]+)[^{]*?<\|message\|>\s*(?=\{)                # gpt-oss
    | ^\s*Action:\s*(?P<react>[^\n]+?)\s*\n\s*Action[ ]Input:\s*(?=\{)      # ReAct
    )""",
    re.VERBOSE | re.MULTILINE,
)
_MARK = re.compile(
    r"</?function|<[|｜]|\[TOOL_CALLS\]|```|</tool_call>|^\s*(?:Observation|Action):", re.MULTILINE
)

#: Templates with a tag for each parameter: (the call, one parameter in it).
_TAGGED = (
    (  # Qwen3-Coder
        re.compile(r"<function=(?P<name>[^>]+)>(?P<body>.*?)(?P<end></function>|\Z)", re.DOTALL),
        re.compile(r"<parameter=(?P<key>[^>]+)>\n?(?P<value>.*?)\n?</parameter>", re.DOTALL),
    ),
    (  # Anthropic's old form
        re.compile(r'<invoke name="(?P<name>[^"]+)">(?P<body>.*?)(?P<end></invoke>|\Z)', re.DOTALL),
        re.compile(
            r'<parameter name="(?P<key>[^"]+)"[^>]*>\n?(?P<value>.*?)\n?</parameter>', re.DOTALL
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
_PYTHON = re.compile(
    r"\A\s*(?:<\|python_start\|>|```(?:tool_code|tool_call|python)?)?\s*"
    r"(?P<code>\[?[^\W\d][\w.]*\(.*\)\]?)\s*(?:<\|python_end\|>|```)?\s*\Z",
    re.DOTALL,
)

#: What stands around calls in JSON.
_PARTS = re.compile(r"</?tool_calls?>|<\|python_tag\|>|\[/?TOOL_CALLS\]|```\w*|<\|im_\w+\|>")
_NAMES = ("name", "tool_name", "tool", "function_name", "function", "action")
_ARGUMENTS = (
    "arguments",
    "parameters",
    "args",
    "input",
    "tool_input",
    "tool_arguments",
    "action_input",
    "kwargs",
    "params",
)


def spelled_calls(text: str) -> list[SpelledCall]:
    """Return the calls in *text*, in their order; none where it is only words."""
    readers: tuple[Callable[[str], Iterable[SpelledCall]], ...] = (
        _with_a_name_in_front,
        _with_tags,
        _in_json,
        _in_python,
    )
    for read in readers:
        if found := list(read(text)):
            return found
    return []


def _with_a_name_in_front(text: str) -> Iterator[SpelledCall]:
    for match in _NAMED_JSON.finditer(text):
        name = next(filter(None, match.groups()))
        end = _MARK.search(text, match.end())
        body = text[match.end() : end.start() if end else len(text)]
        yield SpelledCall(name, read_json(body), cut_off(body))


def _with_tags(text: str) -> Iterator[SpelledCall]:
    for call, parameter in _TAGGED:
        for match in call.finditer(text):
            values = {
                one["key"].strip(): html.unescape(one["value"])
                for one in parameter.finditer(match["body"])
            }
            yield SpelledCall(match["name"].strip(), values, not match["end"])


def _in_json(text: str) -> Iterator[SpelledCall]:
    if not any(key in text for key in _ARGUMENTS):
        return
    # A whole text that is JSON may have marks inside of its strings; else each part counts alone.
    whole = text.lstrip().startswith(("{", "[")) and not cut_off(text)
    for part in [text] if whole else _PARTS.split(text):
        calls = [SpelledCall(*call) for call in _calls_in(read_json(part))]
        if calls and cut_off(part):
            calls[-1] = replace(calls[-1], cut=True)
        yield from calls


def _calls_in(data: Any) -> Iterator[tuple[str, Any]]:
    match data:
        case list():
            for item in cast("list[Any]", data):
                yield from _calls_in(item)
        case {"tool_calls": inner} | {"calls": inner}:
            yield from _calls_in(inner)
        case {"function": {**fields}}:
            yield from _calls_in(fields)
        case Mapping():
            fields = cast("Mapping[str, Any]", data)
            name = next((fields[key] for key in _NAMES if isinstance(fields.get(key), str)), None)
            given = [fields[key] for key in _ARGUMENTS if key in fields]
            if name and given:
                yield name, given[0]
        case _:
            return


def _in_python(text: str) -> Iterator[SpelledCall]:
    match = _PYTHON.match(text)
    if not match:
        return
    try:
        tree = ast.parse(match["code"].strip(), mode="eval").body
        nodes = tree.elts if isinstance(tree, ast.List) else [tree]
        for node in nodes:
            if isinstance(node, ast.Call) and not node.args:
                values = {str(one.arg): ast.literal_eval(one.value) for one in node.keywords}
                yield SpelledCall(ast.unparse(node.func), values)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # words that only look like a call
