"""What memories were before, where they came from, and their end: `History`."""

from longterm.history.erasing import Erasure
from longterm.history.exchange import Imported
from longterm.history.history import History

__all__ = ["Erasure", "History", "Imported"]
