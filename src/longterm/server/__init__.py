"""The server: REST, MCP, LangGraph's store API, Anthropic's memory stores, the console.

Each of them only translates to `longterm.service`. Needs the extra ``[server]``.
"""
