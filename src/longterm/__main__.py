"""``python -m longterm``: the command line."""

from longterm.cli import main

__all__ = []

if __name__ == "__main__":
    main()
