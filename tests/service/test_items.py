"""Items under any namespace, beside which what longterm keeps for itself takes no place."""

from longterm.service import MemoryService


def test_a_page_is_full_whatever_longterm_keeps_for_itself(service: MemoryService) -> None:
    items = service.items
    for number in range(5):
        items.put(("notes", f"n{number}"), "a", {"content": "tea"})
    for user in ("ann", "bob", "cid"):
        service.keys.create(user=user)
        service.own_items.put(("longterm-memory-stores", user), "1", {"name": "mine"})
    assert len(items.search((), limit=5)) == 5
    assert len(items.search((), limit=2, offset=3)) == 2
    assert items.namespaces(limit=2) == [("notes", "n0"), ("notes", "n1")]
    assert items.namespaces(limit=9, offset=3) == [("notes", "n3"), ("notes", "n4")]
    assert items.namespaces(max_depth=1) == [("notes",)]
