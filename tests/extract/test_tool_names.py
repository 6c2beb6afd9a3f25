"""Names of tools as models write them: understood where one can be meant, else refused."""

import pytest

from longterm.extract.tool_names import named

TOOLS = {name: name for name in ("Person", "update_Person", "delete_memory", "Done", "UserFood")}


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("Person", "Person"),
        ("person", "Person"),
        ("functions.Person", "Person"),
        ("Person_tool", "Person"),
        ("mcp__memory__Person", "Person"),
        ("Person<|channel|>commentary", "Person"),
        ("create_person", "Person"),
        ("user_food", "UserFood"),
        ("updatePerson", "update_Person"),
        ("functions.edit_person:0", "update_Person"),
        ("remove_memory", "delete_memory"),
        ("memory_delete", "delete_memory"),
        ("Person.update", "update_Person"),
        ("done", "Done"),
    ],
)
def test_form_is_forgiven_where_one_tool_can_be_meant(name: str, tool: str) -> None:
    assert named(name, TOOLS) == tool


@pytest.mark.parametrize(
    "name", ["delete_Person", "search_person", "Persona", "Person_or_UserFood", "", "…"]
)
def test_another_action_or_two_tools_are_never_guessed(name: str) -> None:
    assert named(name, TOOLS) is None
