"""One value read out of a whole conversation: its title and summary, or any schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, overload

from langchain_core.runnables import RunnableConfig
from typing_extensions import override

from longterm.effects.runnable import FlowRunnable
from longterm.errors import ExtractionError, InvalidInputError
from longterm.extract.engine import ExtractionInput, Extractor
from longterm.extract.prompts import SUMMARIZE, VALUE_FRAME
from longterm.extract.proposal import Permissions
from longterm.extract.schema import MemorySchema, Schema, memory_schemas
from longterm.manage.manager import fields_in, ids_for, plain_values, today
from longterm.memory.model import Content, Draft, SummarizeThread
from longterm.models.names import ChatModel, ProtocolName, as_model
from longterm.recall.recorder import said_messages
from longterm.text.placeholders import fill
from longterm.types import Conversation, MessagesInput

__all__ = ["ThreadExtractor", "create_thread_extractor"]


@overload
def create_thread_extractor(
    model: str | ChatModel,
    /,
    schema: None = None,
    instructions: str = ...,
    *,
    protocol: ProtocolName | None = ...,
) -> ThreadExtractor[SummarizeThread]: ...
@overload
def create_thread_extractor(
    model: str | ChatModel,
    /,
    schema: type[Content],
    instructions: str = ...,
    *,
    protocol: ProtocolName | None = ...,
) -> ThreadExtractor[Content]: ...
@overload
def create_thread_extractor(
    model: str | ChatModel,
    /,
    schema: Mapping[str, Any],
    instructions: str = ...,
    *,
    protocol: ProtocolName | None = ...,
) -> ThreadExtractor[dict[str, Any]]: ...
def create_thread_extractor(
    model: str | ChatModel,
    /,
    schema: Schema | None = None,
    instructions: str = SUMMARIZE,
    *,
    protocol: ProtocolName | None = None,
) -> ThreadExtractor[Any]:
    """Create a Runnable that reads an instance of *schema* out of a conversation.

    The default schema is `SummarizeThread`, with a title and a summary. Placeholders in
    *instructions* are filled from the input: ``{"messages": …, "audience": "children"}``.
    """
    (kind,) = memory_schemas([schema or SummarizeThread])
    extractor = Extractor(
        as_model(model),
        (kind,),
        Permissions(inserts=False, updates=False),
        instructions=instructions,
        frame=VALUE_FRAME,
        protocol=protocol,
        required=True,
    )
    return ThreadExtractor(extractor, kind, instructions)


class ThreadExtractor(FlowRunnable[MessagesInput | Conversation, Content], Generic[Content]):
    """Reads one value: ``invoke({"messages": …})``; see `create_thread_extractor`."""

    def __init__(self, extractor: Extractor, kind: MemorySchema, instructions: str) -> None:
        self._extractor = extractor
        self._instructions = instructions
        self._kind = kind

    @override
    async def flow(self, input: MessagesInput | Conversation, config: RunnableConfig) -> Content:
        """Raise `ExtractionError` where the model gives nothing that checks."""
        fields = fields_in(input)
        messages = said_messages(fields["messages"])
        if not messages:
            raise InvalidInputError("There are no messages to read a value from.")
        instructions = fill(self._instructions, **plain_values(fields))
        session = ExtractionInput(
            messages, Draft(), 1, today(config), ids_for(config), instructions
        )
        extraction = await self._extractor.extract(session)
        if not extraction.draft.entries:
            reasons = "; ".join(one.note for one in extraction.report.dropped)
            raise ExtractionError(f"The model gave no {self._kind.name}: {reasons or 'no answer'}")
        content = extraction.draft.entries[0].document.content
        return self._kind.load(content, content)
