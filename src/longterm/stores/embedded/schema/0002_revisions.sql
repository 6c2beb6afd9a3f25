-- CRC-32 of what an item is (`rows.checksum`), so that a flipped bit is noticed.
ALTER TABLE items ADD COLUMN checksum INTEGER;
UPDATE items SET checksum =
    longterm_checksum(CAST(key AS BLOB), created_at, updated_at, CAST(value AS BLOB));

-- What items were. The last revision of an item that is there has no value of its own: it is
-- the item's, and so is the checksum.
CREATE TABLE revisions (
    namespace  INTEGER NOT NULL REFERENCES namespaces (id),
    key        TEXT NOT NULL,
    number     INTEGER NOT NULL,
    time       INTEGER NOT NULL,  -- updated_at of the item
    created_at INTEGER NOT NULL,
    action     TEXT NOT NULL,
    note       TEXT NOT NULL,     -- JSON: actor, sources, model, reason, run
    fields     TEXT,              -- as of the item
    value      TEXT,
    checksum   INTEGER,
    PRIMARY KEY (namespace, key, number)
) STRICT, WITHOUT ROWID;
