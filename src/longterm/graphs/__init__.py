"""Graphs to deploy on a LangGraph server.

`reflection` serves ``ReflectionExecutor("reflection", namespace, url=…)`` as it is: name it in
``langgraph.json`` as ``"reflection": "longterm.graphs:reflection"`` and set the model in the
assistant's config, ``{"configurable": {"model": "openai:gpt-5-mini"}}``. For a manager of your
own, deploy ``reflection_graph(manager)`` instead.

`optimization` improves prompts: ``{"prompts": …, "threads": [(messages, feedback), …]}`` in,
``{"updated_prompts": […]}`` out, with the model and, if given, the kind in the assistant's config.

LangMem's paths are here as well: `longterm.graphs.prompts:optimize_prompts`,
`longterm.graphs.semantic:graph` and `longterm.graphs.auth:auth`.
"""

from longterm.graphs.deployed import optimization, reflection, reflection_graph

__all__ = ["optimization", "reflection", "reflection_graph"]
