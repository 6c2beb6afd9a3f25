"""Long-term memory in one SQLite file, behind LangGraph's `BaseStore`."""
