"""Tool calls that a model wrote as words → names and arguments. Pure.

Where a server has no parser for its model's template, the calls come through as text, in the
spelling of the model's family. There are too many to list; what they share is the name of a tool
and its arguments: in one JSON object, as a name with JSON after it and only marks between, in
tags, or as a call in Python. Where only its place makes a word a tool's name, it must be one.
"""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from typing_extensions import override

from longterm.extract.reading import json_parts, read_json

__all__ = ["IsTool", "SpelledCall", "calls_in", "spelled_calls"]

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
    #: Arguments that stand without a name.
    positional: tuple[Any, ...] = ()


def spelled_calls(text: str, is_tool: IsTool) -> list[SpelledCall]:
    """Return the calls in *text*, in their order; none where it is only words."""
    plain_quotes = _STRING_MARK.sub('"', text)
    plain_quotes = _BACKTICKS.sub(lambda found: json.dumps(found[1]), plain_quotes)
    if "&quot;" in plain_quotes and '"' not in plain_quotes:  # all of it is escaped
        plain_quotes = html.unescape(plain_quotes)
    for read in (_with_tags, _with_json, _in_python, _in_xml):
        if found := list(read(plain_quotes, is_tool)):
            return found
    return []


#: What stands for a quotation mark with FunctionGemma, and with Gemma 4.
_STRING_MARK = re.compile(r'<escape>|<\|"\|>')
#: A value of a call in JavaScript.
_BACKTICKS = re.compile(r"(?<=[:(,\[ ])`([^`]*)`(?=\s*[,)}\]])")


# Tags with one parameter each

#: A namespace before a tag's name: ``minimax:``, DeepSeek's ``|DSML|``.
_SPACE = r"(?:[|｜]\w+[|｜]|\w+:)?"
#: Templates: (the call, one parameter in it). A parameter without an end ends where the next one
#: begins: from each of many without an end, the search for one would go through all that follows.
_TAGGED = (
    (  # Qwen3-Coder
        re.compile(r"<function=(?P<name>[^<>{]+)>(?P<body>.*?)(?P<end></function>|\Z)", re.DOTALL),
        re.compile(
            r"<parameter=(?P<key>[^<>]+)>\n?(?P<value>.*?)\n?(?:</parameter>|(?=<parameter=)|\Z)",
            re.DOTALL,
        ),
    ),
    (  # Anthropic's old form, MiniMax, DeepSeek 3.2
        re.compile(
            rf"<{_SPACE}invoke name=[\"'](?P<name>[^<\"']+)[\"']>(?P<body>.*?)"
            rf"(?P<end></{_SPACE}invoke>|\Z)",
            re.DOTALL,
        ),
        re.compile(
            rf"<{_SPACE}parameter name=[\"'](?P<key>[^<\"']+)[\"'][^<>]*>\n?(?P<value>.*?)\n?"
            rf"(?:</{_SPACE}parameter>|(?=<{_SPACE}parameter name=)|\Z)",
            re.DOTALL,
        ),
    ),
    (  # GLM, LongCat
        re.compile(
            r"<(?:\w+_)?tool_call>\s*(?P<name>[\w.\-]+)\s*(?=<(?:\w+_)?arg_key>)(?P<body>.*?)"
            r"(?P<end></(?:\w+_)?tool_call>|\Z)",
            re.DOTALL,
        ),
        re.compile(
            r"<(?:\w+_)?arg_key>(?P<key>[^<]*)</(?:\w+_)?arg_key>\s*<(?:\w+_)?arg_value>\n?"
            r"(?P<value>.*?)\n?(?:</(?:\w+_)?arg_value>|(?=<(?:\w+_)?arg_key>)|\Z)",
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
            if not values and isinstance(inner := _element(match["body"]), dict):
                values = cast("dict[str, Any]", inner)
            if values or not match["body"].lstrip().startswith("{"):
                yield SpelledCall(match["name"].strip(), values, not match["end"])


# JSON, with the name in it or in front of it

#: A name at the end of the words before JSON, and the marks of a template between the two.
_NAME_IN_FRONT = re.compile(
    r"""(?P<name>[^\W\d][\w.\-/:]*)
        (?:[\s:(`*"'=>,]|<[^<>]*>|\[CALL_ID\]\w+|\[[A-Z_]+\]|✿\w+✿
           |\b(?:json|with|arguments|input|commentary)\b|\bAction\ Input\b)*\Z""",
    re.VERBOSE | re.IGNORECASE,
)
#: How many characters before JSON may hold its tool's name, with the marks between.
_IN_FRONT = 300
_BRACKET_MARK = re.compile(r"\[/?[A-Z_]+\]")
#: Keys without case and punctuation.
_NAMES = (
    "name", "toolname", "tool", "functionname", "function", "action", "recipientname", "method",
)  # fmt: skip
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
_TOOLS = ("tool", "toolname", "function", "name")
_LISTS = (
    "toolcalls", "calls", "tooluses", "functioncalls", "functioncall", "toolcall", "tooluse",
    "invoke",
)  # fmt: skip


def _with_json(text: str, is_tool: IsTool) -> Iterator[SpelledCall]:
    before = 0
    for part in json_parts(text):
        written = text[part.start : part.end]
        if _BRACKET_MARK.fullmatch(written):
            continue
        in_front = text[max(before, part.start - _IN_FRONT) : part.start]
        value, named = read_json(written), _NAME_IN_FRONT.search(in_front)
        calls = [SpelledCall(*call) for call in calls_in(value, is_tool)]
        meant = named and not _NOT_MADE.search(in_front[: named.start()])
        if not calls and named and meant and is_tool(named["name"]):
            calls = [SpelledCall(named["name"], value)]
        if calls and not part.closed:
            calls[-1] = replace(calls[-1], cut=True)
        yield from calls
        before = part.end


def calls_in(data: Any, is_tool: IsTool) -> Iterator[tuple[str, Any]]:
    """Yield the names and arguments of the calls that *data*, read from JSON, is."""
    if isinstance(data, list):
        for item in cast("list[Any]", data):
            yield from calls_in(item, is_tool)
    if not isinstance(data, Mapping) or not data:
        return
    given = {str(key): value for key, value in cast("Mapping[Any, Any]", data).items()}
    fields = {_squashed(key): value for key, value in given.items()}
    inner = next((fields[key] for key in _LISTS if key in fields), fields.get("function"))
    name = next((fields[key] for key in _NAMES if isinstance(fields.get(key), str)), None)
    arguments = [fields[key] for key in _ARGUMENTS if key in fields]
    tools = [
        key
        for key, one in fields.items()
        if key in _TOOLS and isinstance(one, str) and is_tool(one)
    ]
    if isinstance(inner, list | Mapping):
        yield from calls_in(inner, is_tool)
    elif name and arguments:
        # A call of a protocol may hold the call that is meant.
        within = [] if is_tool(name) else list(calls_in(arguments[0], is_tool))
        yield from within or [(name, arguments[0])]
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


#: A name before a bracket. It is looked for from where a word begins: from each of the letters of a
#: long one that would be quadratic.
_CALLED = re.compile(r"(?<![\w.])[\d.]*(?P<name>[^\W\d][\w.]*)\(")


def _in_python(text: str, is_tool: IsTool) -> Iterator[SpelledCall]:
    begin, end, left = 0, 0, _CLOSINGS
    for match in _CALLED.finditer(text):
        start = match.start("name")
        if start < end or not is_tool(match["name"]):
            continue
        call, closing = None, text.find(")", match.end())
        is_open = closing < 0
        while call is None and closing >= 0 and left:
            end, left = closing + 1, left - 1
            call = _python_call(match["name"], text[start:end])
            closing = text.find(")", end)
        before, after = text[begin:start].rpartition("\n")[2], text[end : end + 40]
        if call and _is_prose(call, before[-200:], after):
            continue
        if call or is_open or not left:
            yield call or SpelledCall(match["name"], {}, cut=True)
        begin = end = end if call else 0


#: What may stand on a line before a call: a bullet, a number, the bracket or comma of a list.
_LEADING = re.compile(r"\s*(?:[-*•]|\d{1,3}[.)])?\s*[\[`(,;\]]*\s*")
#: What says just before a call, or just behind it, that it is not made.
_NOT_MADE = re.compile(
    r"(?:\b(?:no need|not|never|without|avoid|instead of|rather than|such as|e\.g\.)|n['’]t"
    r"|不需要|不必|不用|不要|无需|無需|没必要|別|别)"
    r"(?: *(?:\b(?:to|for|a|the|call(?:ing)?|us(?:e|ing)|run(?:ning)?|do|need(?:ed)?|any)\b"
    r"|调用|使用|执行|再|去)){0,5}[ `]*\Z",
    re.IGNORECASE,
)
_WAS_NOT_MADE = re.compile(
    r"[ `]*(?:(?:is|was|would be) (?:not|un)|(?:is|was|would)n['’]t|は(?:不要|必要な|必要あ)"
    r"|不需要|没必要)",
    re.IGNORECASE,
)


def _is_prose(call: SpelledCall, before: str, after: str) -> bool:
    """Whether *call*, between *before* and *after* on its line, may be only words.

    So is "a person(1)", and so is "no need for delete_memory(number=1)".
    """
    if _WAS_NOT_MADE.match(after):
        return True
    if _LEADING.fullmatch(before):
        return False
    return bool(call.positional) or _NOT_MADE.search(before) is not None


def _python_call(name: str, code: str) -> SpelledCall | None:
    try:
        node = ast.parse(code, mode="eval").body
        if isinstance(node, ast.Call):
            words = _JsonWords()
            placed = tuple(ast.literal_eval(words.visit(one)) for one in node.args)
            named = {
                str(one.arg): ast.literal_eval(words.visit(one.value)) for one in node.keywords
            }
            return SpelledCall(name, named, positional=placed)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass  # it closes further on, or is only words that look like a call
    return None


# The tool's name as a tag, or in one


_TAG = re.compile(r"<(?P<end>/?)(?P<name>\w[\w.\-]*)>")
_ATTRIBUTES = re.compile(
    r"<(?P<name>\w[\w.\-]*)(?P<body>(?:\s+\w+=(?:\"[^\"]*\"|'[^']*'))+)\s*(?:/>|>\s*</(?P=name)>)"
)
_ATTRIBUTE = re.compile(r"(\w+)=([\"'])(.*?)\2", re.DOTALL)
#: How deep tags may stand in each other.
_TAGS_WITHIN = 6


def _in_xml(text: str, is_tool: IsTool) -> Iterator[SpelledCall]:
    for one in _elements(text):
        for call in calls_in({one.name: _element(one.body)}, is_tool):
            yield SpelledCall(*call)
    for match in _ATTRIBUTES.finditer(text):
        if is_tool(match["name"]):
            found = _ATTRIBUTE.findall(match["body"])
            yield SpelledCall(match["name"], {name: html.unescape(one) for name, _, one in found})


@dataclass(frozen=True, slots=True)
class _Element:
    name: str
    body: str
    #: Where it stands, with its tags.
    start: int
    end: int


def _elements(text: str) -> list[_Element]:
    """Return the elements in *text* that do not stand in one another; each ends with its name."""
    tags = list(_TAG.finditer(text))
    closing: dict[str, re.Match[str]] = {}
    ends: dict[int, re.Match[str]] = {}
    for tag in reversed(tags):
        if tag["end"]:
            closing[tag["name"]] = tag
        elif tag["name"] in closing:
            ends[tag.start()] = closing[tag["name"]]
    found: list[_Element] = []
    for tag in tags:
        end = ends.get(tag.start())
        if end and (not found or tag.start() >= found[-1].end):
            body = text[tag.end() : end.start()]
            found.append(_Element(tag["name"], body, tag.start(), end.end()))
    return found


def _element(body: str, depth: int = _TAGS_WITHIN) -> Any:
    """Return the elements in *body* by name, several of one name as a list; else its text."""
    found = _elements(body) if depth else []
    starts, ends = [one.start for one in found], [one.end for one in found]
    between = zip([0, *ends], [*starts, len(body)], strict=True)
    if not found or any(body[start:end].strip() for start, end in between):
        return html.unescape(body.strip())
    values: dict[str, list[Any]] = {}
    for one in found:
        values.setdefault(one.name, []).append(_element(one.body, depth - 1))
    return {name: found if len(found) > 1 else found[0] for name, found in values.items()}
