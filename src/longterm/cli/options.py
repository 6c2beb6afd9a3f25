"""The options that several commands share, one meaning each."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Budget", "Embeddings", "Json", "Limit", "Model", "Namespace", "Store", "User", "Yes"]

Store = Annotated[
    str | None,
    typer.Option(help="The store: a path or postgresql://…; else as the settings say."),
]
User = Annotated[str, typer.Option(help="Whose turns and memories.")]
Namespace = Annotated[
    str, typer.Option(help="A namespace such as turns/ann, in place of the user's.")
]
Embeddings = Annotated[
    str,
    typer.Option(
        help='"auto", "none" (full text alone), "minilm", "multilingual" or provider:model.'
    ),
]
Model = Annotated[
    str | None, typer.Option(help="The model that extracts memories, such as openai:gpt-5.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Budget = Annotated[int, typer.Option(help="Tokens of the block.", min=0)]
Limit = Annotated[int, typer.Option(help="How many at most.", min=0)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
