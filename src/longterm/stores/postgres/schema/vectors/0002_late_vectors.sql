-- Items that lack their vectors, which are made after their writer has its answer.
CREATE TABLE late_vectors (
    namespace integer NOT NULL,
    item      bigint NOT NULL,
    writer    bigint NOT NULL,   -- the open store that makes them
    failures  integer NOT NULL,  -- how often the model could not
    PRIMARY KEY (namespace, item)
);

CREATE FUNCTION late_vectors_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM @schema@.late_vectors v USING gone g
        WHERE v.namespace = g.namespace AND v.item = g.id;
    RETURN NULL;
END $$;

-- What is written anew gets a mark of its own, or its vectors at once.
CREATE FUNCTION late_vectors_outdated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM @schema@.late_vectors v USING before b, after a
        WHERE a.namespace = b.namespace AND a.id = b.id AND a.revision <> b.revision
        AND v.namespace = b.namespace AND v.item = b.id;
    RETURN NULL;
END $$;

CREATE TRIGGER late_vectors_deleted AFTER DELETE ON items
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION late_vectors_deleted();
CREATE TRIGGER late_vectors_outdated AFTER UPDATE ON items
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION late_vectors_outdated();

ALTER TABLE late_vectors ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON late_vectors USING (namespace IN (SELECT id FROM namespaces));
