-- One row: what the whole file agrees on.
CREATE TABLE state (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    revision  INTEGER NOT NULL,  -- grows with every write; caches ask "what is newer than mine?"
    model     INTEGER REFERENCES models (id),  -- the model whose vectors are searched
    tokenizer INTEGER NOT NULL   -- the version of the text index
) STRICT;

CREATE TABLE models (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    dims INTEGER NOT NULL,
    UNIQUE (name, dims)
) STRICT;

CREATE TABLE namespaces (
    id    INTEGER PRIMARY KEY,
    path  TEXT NOT NULL UNIQUE,  -- labels joined by dots
    items INTEGER NOT NULL DEFAULT 0
) STRICT;

-- AUTOINCREMENT: the number of a deleted item never comes back as another item.
CREATE TABLE items (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace  INTEGER NOT NULL REFERENCES namespaces (id),
    key        TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,  -- all times: microseconds since 1970, UTC
    updated_at INTEGER NOT NULL,
    expires_at INTEGER,
    ttl        INTEGER,           -- microseconds a read or write prolongs the life by
    fields     TEXT,              -- the index argument of put: null the default, 'false', a list
    plain      INTEGER NOT NULL,  -- whether SQLite's JSON functions read the value as Python does
    value      TEXT NOT NULL,
    UNIQUE (namespace, key)
) STRICT;

CREATE INDEX items_by_revision ON items (revision);
CREATE INDEX items_by_namespace ON items (namespace, revision);
CREATE INDEX items_by_expiry ON items (expires_at) WHERE expires_at IS NOT NULL;

-- The text index, forward: the 64-bit hashes of an item's terms, one after the other.
CREATE TABLE terms (
    namespace INTEGER NOT NULL,
    item      INTEGER NOT NULL,
    hashes    BLOB NOT NULL,
    PRIMARY KEY (namespace, item)
) STRICT, WITHOUT ROWID;

-- Unit vectors in half precision, one for each text of an item.
CREATE TABLE vectors (
    model     INTEGER NOT NULL REFERENCES models (id),
    namespace INTEGER NOT NULL,
    item      INTEGER NOT NULL,
    chunk     INTEGER NOT NULL,
    text_hash BLOB NOT NULL,
    vector    BLOB NOT NULL,
    PRIMARY KEY (model, namespace, item, chunk)
) STRICT, WITHOUT ROWID;

CREATE INDEX vectors_by_text ON vectors (model, text_hash);

-- What was deleted lately, for the caches.
CREATE TABLE removals (
    revision INTEGER NOT NULL,
    item     INTEGER PRIMARY KEY
) STRICT;

CREATE INDEX removals_by_revision ON removals (revision);

CREATE TRIGGER item_inserted AFTER INSERT ON items BEGIN
    UPDATE namespaces SET items = items + 1 WHERE id = new.namespace;
END;

CREATE TRIGGER item_deleted AFTER DELETE ON items BEGIN
    UPDATE namespaces SET items = items - 1 WHERE id = old.namespace;
    DELETE FROM terms WHERE namespace = old.namespace AND item = old.id;
    DELETE FROM vectors
        WHERE model IN (SELECT id FROM models) AND namespace = old.namespace AND item = old.id;
    UPDATE state SET revision = revision + 1;
    INSERT INTO removals SELECT revision, old.id FROM state;
    DELETE FROM removals WHERE revision < (SELECT revision FROM state) - 100000;
END;

INSERT INTO state (id, revision, model, tokenizer) VALUES (1, 0, NULL, 1);
