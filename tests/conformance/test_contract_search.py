"""The contract: search, with and without a query."""

from typing import Any

from langgraph.store.base import BaseStore, PutOp, SearchOp

from longterm.testing import HashEmbeddings

NS = ("notes",)


def keys(store: BaseStore, **arguments: Any) -> list[str]:
    return [item.key for item in store.search(NS, **arguments)]


def test_without_a_query_everything_comes_in_pages(store: BaseStore) -> None:
    for number in range(7):
        store.put(NS, str(number), {"n": number})
    pages = [keys(store, limit=3, offset=offset) for offset in (0, 3, 6)]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert len({key for page in pages for key in page}) == 7


def test_ten_items_are_the_default_page(store: BaseStore) -> None:
    for number in range(12):
        store.put(NS, str(number), {"n": number})
    assert len(store.search(NS)) == 10


def test_without_a_query_there_is_no_score(store: BaseStore) -> None:
    store.put(NS, "a", {"n": 1})
    assert store.search(NS)[0].score is None


def test_a_filter_and_a_page_go_together(store: BaseStore) -> None:
    for number in range(40):
        store.put(NS, str(number), {"even": number % 2 == 0})
    assert len(keys(store, filter={"even": True}, limit=100, offset=15)) == 5


def test_the_nearest_text_comes_first(indexed: BaseStore) -> None:
    indexed.put(NS, "soup", {"text": "hot noodle soup"})
    indexed.put(NS, "hike", {"text": "a long hike"})
    assert keys(indexed, query="noodle soup")[0] == "soup"


def test_scores_fall(indexed: BaseStore) -> None:
    for number, text in enumerate(["noodle soup", "noodle dish", "a long hike"]):
        indexed.put(NS, str(number), {"text": text})
    scores = [item.score for item in indexed.search(NS, query="noodle soup")]
    assert scores == sorted((score for score in scores if score is not None), reverse=True)


def test_scores_lie_between_0_and_1(indexed: BaseStore) -> None:
    for number, text in enumerate(["noodle soup", "noodle dish", "a long hike"]):
        indexed.put(NS, str(number), {"text": text})
    assert all(0 <= (item.score or 0) <= 1 for item in indexed.search(NS, query="noodle soup"))


def test_later_pages_of_a_query_are_full(indexed: BaseStore) -> None:
    for number in range(60):
        indexed.put(NS, str(number), {"text": f"note {number}"})
    assert len(keys(indexed, query="note", limit=10, offset=50)) == 10


def test_pages_of_a_query_do_not_overlap(indexed: BaseStore) -> None:
    for number in range(30):
        indexed.put(NS, str(number), {"text": f"note {number}"})
    found = [key for offset in (0, 10, 20) for key in keys(indexed, query="note", offset=offset)]
    assert sorted(found) == sorted(map(str, range(30)))


def test_a_filter_keeps_the_page_of_a_query_full(indexed: BaseStore) -> None:
    for number in range(100):
        indexed.put(NS, str(number), {"text": f"note {number}", "rare": number % 10 == 0})
    assert len(keys(indexed, query="note", filter={"rare": True}, limit=10)) == 10


def test_an_item_without_a_vector_is_found_last(indexed: BaseStore) -> None:
    indexed.put(NS, "plain", {"text": "noodle soup"}, index=False)
    indexed.put(NS, "hike", {"text": "a long hike"})
    assert keys(indexed, query="noodle soup") == ["hike", "plain"]


def test_an_item_without_a_vector_has_no_score(indexed: BaseStore) -> None:
    indexed.put(NS, "plain", {"text": "noodle soup"}, index=False)
    assert indexed.search(NS, query="noodle soup")[0].score is None


def test_an_empty_query_is_none(indexed: BaseStore, model: HashEmbeddings) -> None:
    indexed.put(NS, "a", {"text": "noodle soup"})
    assert keys(indexed, query="") == ["a"]
    assert model.queries == []


def test_a_batch_may_search_what_it_writes(indexed: BaseStore) -> None:
    answers = indexed.batch(
        [PutOp(NS, "a", {"text": "noodle soup"}), SearchOp(NS, query="noodle soup")]
    )
    assert answers[1]


# --- what is indexed --------------------------------------------------------------------------


def test_only_the_fields_of_the_index_reach_the_model(
    indexed: BaseStore, model: HashEmbeddings
) -> None:
    indexed.put(NS, "a", {"text": "noodle soup", "secret": "1234"})
    assert model.documents == ["noodle soup"]


def test_a_put_may_name_its_own_fields(indexed: BaseStore, model: HashEmbeddings) -> None:
    indexed.put(NS, "a", {"text": "noodle", "title": "soup", "parts": [{"t": "x"}, {"t": "y"}]},
                index=["title", "parts[*].t"])  # fmt: skip
    assert sorted(model.documents) == ["soup", "x", "y"]


def test_index_false_asks_the_model_nothing(indexed: BaseStore, model: HashEmbeddings) -> None:
    indexed.put(NS, "a", {"text": "noodle soup"}, index=False)
    assert model.documents == []


def test_the_best_of_several_texts_counts(indexed: BaseStore) -> None:
    indexed.put(NS, "two", {"parts": ["a long hike", "noodle soup"]}, index=["parts[*]"])
    indexed.put(NS, "one", {"text": "noodle dish"})
    assert keys(indexed, query="noodle soup") == ["two", "one"]


def test_a_query_is_embedded_as_a_query(indexed: BaseStore, model: HashEmbeddings) -> None:
    indexed.put(NS, "a", {"text": "noodle soup"})
    indexed.search(NS, query="soup")
    assert (model.documents, model.queries) == (["noodle soup"], ["soup"])


def test_text_that_did_not_change_is_not_embedded_again(
    indexed: BaseStore, model: HashEmbeddings
) -> None:
    indexed.put(NS, "a", {"text": "noodle soup", "n": 1})
    indexed.put(NS, "a", {"text": "noodle soup", "n": 2})
    assert model.documents == ["noodle soup"]


def test_equal_texts_of_one_batch_are_embedded_once(
    indexed: BaseStore, model: HashEmbeddings
) -> None:
    indexed.batch([PutOp(NS, key, {"text": "noodle soup"}) for key in "abc"])
    assert model.documents == ["noodle soup"]


def test_an_updated_text_is_not_found_by_its_old_one(indexed: BaseStore) -> None:
    indexed.put(NS, "a", {"text": "noodle soup"})
    indexed.put(NS, "b", {"text": "noodle dish"})
    indexed.put(NS, "a", {"text": "a long hike"})
    assert keys(indexed, query="noodle soup") == ["b", "a"]


def test_index_false_forgets_the_old_text(indexed: BaseStore) -> None:
    indexed.put(NS, "a", {"text": "noodle soup"})
    indexed.put(NS, "a", {"text": "noodle soup"}, index=False)
    assert indexed.search(NS, query="noodle soup")[0].score is None


def test_a_new_item_does_not_inherit_the_vector_of_a_deleted_one(indexed: BaseStore) -> None:
    indexed.put(NS, "a", {"text": "noodle soup"})
    indexed.delete(NS, "a")
    indexed.put(NS, "a", {"text": "noodle soup"}, index=False)
    assert indexed.search(NS, query="noodle soup")[0].score is None


def test_a_deleted_item_is_not_found(indexed: BaseStore) -> None:
    indexed.put(NS, "a", {"text": "noodle soup"})
    indexed.search(NS, query="noodle soup")
    indexed.delete(NS, "a")
    assert keys(indexed, query="noodle soup") == []
