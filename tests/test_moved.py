"""Paths of the first release: they work for one release more, and say where to go."""

import importlib

import pytest

from longterm import moved
from longterm.evals import suites


@pytest.mark.parametrize("old", [old for old, homes in moved.PATHS.items() if homes])
def test_every_name_of_an_old_path_is_handed_on_with_a_warning(old: str) -> None:
    module = importlib.import_module(old)
    for home in map(importlib.import_module, moved.PATHS[old]):
        for name in home.__all__:
            with pytest.warns(DeprecationWarning, match="import it from longterm"):
                assert getattr(module, name) is getattr(home, name)


def test_the_warning_points_to_the_line_that_imports() -> None:
    with pytest.warns(DeprecationWarning, match="has moved") as caught:
        importlib.import_module("longterm.flow").ask  # noqa: B018 - a look is enough
    assert caught[0].filename == __file__


@pytest.mark.parametrize("old", ["Conversation", "Question", "Turn"])
def test_classes_of_suites_have_their_old_names_and_warn(old: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"called Suite{old} now") as caught:
        found = getattr(suites, old)
    assert found is getattr(suites, f"Suite{old}")
    assert caught[0].filename == __file__


def test_an_unknown_name_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        importlib.import_module("longterm.optimize").nothing  # noqa: B018 - a look is enough
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        suites.nothing  # noqa: B018 - a look is enough
