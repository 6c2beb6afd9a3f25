"""A path of LangMem's with nothing in it, there as here: graphs of memories are not extracted."""

__all__ = []
