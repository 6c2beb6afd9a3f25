"""A chat model that runs on this machine: LangChain's OpenAI client on our own server.

The file is found (and fetched) when the model is made, the server is started by the first
call. What the model says about itself (`profile`) lets callers choose the way they talk to
it: these small models follow a JSON schema reliably, because the engine's grammar holds
them to it, and do not call tools.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from langchain_core.language_models import ModelProfile
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from openai import APIConnectionError, APITimeoutError, DefaultAsyncHttpxClient, DefaultHttpxClient
from pydantic import PrivateAttr

from longterm.models.local.paths import default_cache, default_threads
from longterm.models.local.server import Engine, connection_lost, running_server
from longterm.models.local.weights import find_model

__all__ = ["LocalChatModel", "local_chat_model"]

_NOWHERE = "http://127.0.0.1:9/v1"
_MAX_TOKENS = 1024
#: Weights below this hold at most some seven billion parameters at four bits each.
_SMALL_BYTES = 4_000_000_000
#: As long as the server itself waits: a slow machine may think for a long time.
_TIMEOUT_SECONDS = 3600.0


def local_chat_model(
    name_or_path: str | Path,
    *,
    cache: Path | None = None,
    context: int = 8192,
    threads: int | None = None,
    **options: Any,
) -> "LocalChatModel":
    """Return a chat model for a known name such as "qwen2.5-coder-1.5b" or a .gguf file.

    *options* are ChatOpenAI's own (`temperature`, `max_tokens`, …).
    """
    folder = (cache or default_cache()) / "models"
    engine = Engine(
        model=find_model(name_or_path, cache=folder).absolute(),
        context=context,
        threads=threads or default_threads(),
    )
    return LocalChatModel.on(engine, **options)


class LocalChatModel(ChatOpenAI):
    """ChatOpenAI whose server is a child process of ours, started by the first call."""

    _engine: Engine = PrivateAttr()

    @classmethod
    def on(cls, engine: Engine, **options: Any) -> "LocalChatModel":
        """Return the model that *engine* runs, without starting it yet."""
        profile = ModelProfile(
            name=engine.model.stem,
            max_input_tokens=engine.context,
            text_inputs=True,
            tool_calling=False,
            structured_output=True,
        )
        defaults: dict[str, Any] = {
            "model": engine.model.stem,
            "base_url": _NOWHERE,
            "api_key": "set by the first call",
            "temperature": 0.0,
            "max_tokens": _MAX_TOKENS,
            "max_retries": 0,
            "timeout": _TIMEOUT_SECONDS,
            "profile": profile,
            **_direct_clients(),
        }
        model = cls(**defaults | options)
        model._engine = engine
        return model

    @property
    def small(self) -> bool:
        """Whether this is a model of a few billion parameters, to be talked to in simple words."""
        return self._engine.model.stat().st_size < _SMALL_BYTES

    @property
    def _llm_type(self) -> str:
        return "longterm-local"

    def _connect(self) -> None:
        """Point both clients at the running server; it may have a new address after a crash."""
        server = running_server(self._engine)
        for client in (self.root_client, self.root_async_client):
            client.base_url = f"{server.url}/v1"
            client.api_key = server.key

    @contextmanager
    def _connected(self) -> Generator[None]:
        self._connect()
        try:
            yield
        except APIConnectionError as error:
            if not isinstance(error, APITimeoutError):
                connection_lost(self._engine)
            raise

    @asynccontextmanager
    async def _aconnected(self) -> AsyncGenerator[None]:
        await asyncio.to_thread(self._connect)
        try:
            yield
        except APIConnectionError as error:
            if not isinstance(error, APITimeoutError):
                await asyncio.to_thread(connection_lost, self._engine)
            raise

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        with self._connected():
            return super()._generate(*args, **kwargs)

    async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
        async with self._aconnected():
            return await super()._agenerate(*args, **kwargs)

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        with self._connected():
            yield from super()._stream(*args, **kwargs)

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        async with self._aconnected():
            async for chunk in super()._astream(*args, **kwargs):
                yield chunk


def _direct_clients() -> dict[str, Any]:
    """Clients that ignore the environment's proxies: the server is on this machine.

    They keep no connection open. A kept one is never closed, as the client has no owner, and
    an async one breaks the next event loop.
    """
    settings: dict[str, Any] = {"trust_env": False, "headers": {"Connection": "close"}}
    return {
        "openai_proxy": "",
        "http_client": DefaultHttpxClient(**settings),
        "http_async_client": DefaultAsyncHttpxClient(**settings),
    }
