"""The reference shows methods as they are called: `recall`, not `recall_flow`, which it is from.

An extension of Griffe, with which mkdocstrings reads the source. In a class,
``get, aget = both(get_flow)`` makes a blocking and an awaited form of one body: the page shows the
blocking one, and says once that the other begins with an a. A private alias of a type, which
stands where a method called `list` hides the built-in, is shown as the type it is.
"""

from __future__ import annotations

import ast
from typing import Any

import griffe


class FlowMethods(griffe.Extension):
    """Name each flow after its blocking form, and leave out the awaited forms."""

    def on_class_members(
        self, *, node: ast.AST | griffe.ObjectNode, cls: griffe.Class, **_: Any
    ) -> None:
        """Do so in *cls*, whose source is *node*."""
        methods: dict[str, str] = {}
        for statement in node.body if isinstance(node, ast.ClassDef) else ():
            match statement:
                case ast.Assign(
                    [ast.Tuple([ast.Name(blocking), ast.Name()])],
                    ast.Call(ast.Name("both"), [ast.Name(flow)]),
                ):
                    methods[flow] = cls.members[flow].name = blocking
                    cls.members[flow].labels.discard("async")
        members = {methods.get(name, name): member for name, member in cls.members.items()}
        awaited = {f"a{name}".rstrip("_") for name in members}
        cls.members = {name: one for name, one in members.items() if name not in awaited}

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Show what private aliases stand for."""
        for method in cls.functions.values():
            alias = cls.module.members.get(str(method.returns))
            if isinstance(alias, griffe.Attribute) and alias.name.startswith("_"):
                method.returns = alias.value
