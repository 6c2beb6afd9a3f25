-- Unit vectors in half precision, one for each text of an item. The primary key holds every
-- column that a search reads, so that the table itself is never read. A tuple of a B-tree ends
-- at 2,704 bytes, so vectors of more than 1,330 dimensions have a table of their own.
CREATE TABLE vectors (
    model     smallint NOT NULL,
    namespace integer NOT NULL,
    item      bigint NOT NULL,
    chunk     integer NOT NULL,
    text_hash uuid NOT NULL,
    vector    halfvec NOT NULL,
    PRIMARY KEY (model, namespace, item, chunk) INCLUDE (vector)
);

-- Not by model first: a search of one namespace would be planned over all vectors of the model.
CREATE INDEX vectors_by_text ON vectors (text_hash, model);

-- The same for long vectors: their signs are searched, and the best of those compared in full.
CREATE TABLE wide_vectors (
    model     smallint NOT NULL,
    namespace integer NOT NULL,
    item      bigint NOT NULL,
    chunk     integer NOT NULL,
    text_hash uuid NOT NULL,
    signs     bit varying NOT NULL,
    vector    halfvec NOT NULL,
    PRIMARY KEY (model, namespace, item, chunk) INCLUDE (signs)
);

ALTER TABLE wide_vectors ALTER COLUMN vector SET STORAGE EXTERNAL;
CREATE INDEX wide_vectors_by_text ON wide_vectors (text_hash, model);

CREATE FUNCTION vectors_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM @schema@.vectors v USING gone g
        WHERE v.model IN (SELECT id FROM @schema@.models)
        AND v.namespace = g.namespace AND v.item = g.id;
    DELETE FROM @schema@.wide_vectors v USING gone g
        WHERE v.model IN (SELECT id FROM @schema@.models)
        AND v.namespace = g.namespace AND v.item = g.id;
    RETURN NULL;
END $$;

-- An item that is written has no vector of its old text, whatever model made it.
CREATE FUNCTION vectors_outdated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM @schema@.vectors v USING before b, after a
        WHERE a.namespace = b.namespace AND a.id = b.id AND a.revision <> b.revision
        AND v.model IN (SELECT id FROM @schema@.models)
        AND v.namespace = b.namespace AND v.item = b.id;
    DELETE FROM @schema@.wide_vectors v USING before b, after a
        WHERE a.namespace = b.namespace AND a.id = b.id AND a.revision <> b.revision
        AND v.model IN (SELECT id FROM @schema@.models)
        AND v.namespace = b.namespace AND v.item = b.id;
    RETURN NULL;
END $$;

CREATE TRIGGER vectors_deleted AFTER DELETE ON items
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION vectors_deleted();
CREATE TRIGGER vectors_outdated AFTER UPDATE ON items
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION vectors_outdated();

ALTER TABLE vectors ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON vectors USING (namespace IN (SELECT id FROM namespaces));
ALTER TABLE wide_vectors ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON wide_vectors USING (namespace IN (SELECT id FROM namespaces));
