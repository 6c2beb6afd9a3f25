-- Vectors that are made after the item's writer has its answer. Without a revision the item
-- still lacks them; with one it got them then, which caches must hear of, as the item itself has
-- not changed.
CREATE TABLE late_vectors (
    item      INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL,
    writer    INTEGER NOT NULL,  -- the open store that makes them
    failures  INTEGER NOT NULL,  -- how often the model could not
    revision  INTEGER            -- of the file
) STRICT;

CREATE INDEX late_vectors_by_revision ON late_vectors (revision, namespace);

CREATE TRIGGER late_item_deleted AFTER DELETE ON items BEGIN
    DELETE FROM late_vectors WHERE item = old.id;
END;
