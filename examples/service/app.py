"""A chat service for many users: uvicorn app:app --workers 2

    curl -X POST localhost:8000/chat/ann -d '{"words": "I moved to Kyoto."}' \
         -H 'content-type: application/json'

LONGTERM_STORE names the database: a file, or postgresql://… for several machines. LONGTERM_MODEL
names the model. Put your own authentication in front: the user in the path is who it says.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import BaseModel

import longterm
from longterm import MemoryService, reading_prompt
from longterm.models.names import as_model


class Said(BaseModel):
    """What a user says, and in which conversation."""

    words: str
    thread: str = "main"


def make_app(model: str | BaseChatModel, store: str | None = None) -> FastAPI:
    """Return the service, with *model* to answer and to extract; each worker opens the store."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with longterm.open(store, model=model) as memory:
            app.state.memory = memory
            yield

    app = FastAPI(title="Chat with memory", lifespan=lifespan)
    answerer = as_model(model)

    def service(request: Request) -> MemoryService:
        return request.app.state.memory

    @app.post("/chat/{user_id}")
    async def chat(user_id: str, said: Said, request: Request) -> dict[str, str]:
        user = service(request).user(user_id)
        known = await user.arecall(said.words, thread=said.thread)
        prompt = SystemMessage(reading_prompt(known.text))
        question = HumanMessage(said.words)
        answer = await answerer.ainvoke([prompt, question])
        await user.aremember([question, answer], thread=said.thread, wait=False)
        return {"answer": str(answer.text)}

    @app.get("/memories/{user_id}")
    async def memories(user_id: str, request: Request) -> list[dict[str, object]]:
        return [one.as_json() for one in await service(request).user(user_id).alist()]

    @app.delete("/users/{user_id}")
    async def erase(user_id: str, request: Request) -> dict[str, object]:
        report = await service(request).user(user_id).aerase()
        return {"removed": report.removed, "beyond": report.beyond}

    return app


if "LONGTERM_MODEL" in os.environ:
    app = make_app(os.environ["LONGTERM_MODEL"])
