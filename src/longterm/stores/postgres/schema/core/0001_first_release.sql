-- One row: what all clients agree on.
CREATE TABLE state (
    id         smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    model      smallint,          -- the model whose vectors are searched
    tokenizer  integer NOT NULL,  -- the version of the text index
    generation integer NOT NULL   -- the last reindexing; what is written bears its number
);

CREATE TABLE models (
    id   smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    dims integer NOT NULL,
    UNIQUE (name, dims)
);

-- Who may see what: a database role that stands here sees this tenant alone, whatever it sets.
CREATE TABLE tenant_roles (
    role   name PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL
);

CREATE FUNCTION current_tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    SECURITY DEFINER AS $$
    SELECT coalesce(
        (
            SELECT tenant FROM @schema@.tenant_roles
            WHERE role IN (current_setting('role'), session_user)
            ORDER BY role = session_user LIMIT 1
        ),
        current_setting('longterm.tenant', true),
        ''
    )
$$;

-- Counts and lengths stand here because every score needs them: how rare a term is and how long
-- an item are measures of what is searched. A writer holds the row of its namespace to the end
-- of its transaction, so that writers of one namespace take turns.
CREATE TABLE namespaces (
    id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL DEFAULT current_tenant(),
    path   text COLLATE "C" NOT NULL,  -- labels joined by dots
    items  bigint NOT NULL DEFAULT 0,
    terms  bigint NOT NULL DEFAULT 0,  -- of all items together, with repetitions
    UNIQUE (tenant, path)
) WITH (fillfactor = 50);

CREATE SEQUENCE revision CACHE 1;
CREATE SEQUENCE generation CACHE 1;

CREATE TABLE items (
    namespace  integer NOT NULL REFERENCES namespaces (id),
    id         bigint GENERATED ALWAYS AS IDENTITY,
    revision   bigint NOT NULL,        -- grows with every write
    created_at bigint NOT NULL,        -- all times: microseconds since 1970, UTC
    updated_at bigint NOT NULL,
    expires_at bigint,
    ttl        bigint,                 -- microseconds a read or write prolongs the life by
    length     integer NOT NULL,       -- number of terms, with repetitions
    terms      integer[] NOT NULL,     -- each term once, to find the postings again
    generation integer NOT NULL,
    fields     text,                   -- what put was asked to index: null the default, false, a list
    key        text COLLATE "C" NOT NULL,
    value      text NOT NULL,          -- the value exactly
    document   jsonb,                  -- the value for filters; null where jsonb cannot hold it
    PRIMARY KEY (namespace, id),
    UNIQUE (namespace, key)
);

CREATE INDEX items_by_revision ON items (revision);
CREATE INDEX items_by_namespace ON items (namespace, revision);
CREATE INDEX items_by_expiry ON items (expires_at) WHERE expires_at IS NOT NULL;

-- The text index. Its primary key holds every column, so that the table itself is never read.
CREATE TABLE postings (
    namespace integer NOT NULL,
    term      integer NOT NULL,        -- 32 bits of the term's hash
    item      bigint NOT NULL,
    count     integer NOT NULL,
    length    integer NOT NULL,        -- of the item
    PRIMARY KEY (namespace, term, item) INCLUDE (count, length)
);

-- What items were. The last revision of an item that is there has no value of its own: it is the
-- item's.
CREATE TABLE revisions (
    namespace  integer NOT NULL REFERENCES namespaces (id),
    number     integer NOT NULL,
    time       bigint NOT NULL,        -- updated_at of the item
    created_at bigint NOT NULL,
    key        text COLLATE "C" NOT NULL,
    action     text NOT NULL,
    note       text NOT NULL,          -- JSON: actor, sources, model, reason, run
    fields     text,                   -- as of the item
    value      text,
    PRIMARY KEY (namespace, key, number)
);

-- Counts, and what a changed item was found by, are looked after here, for every writer.
CREATE FUNCTION items_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE @schema@.namespaces n SET items = n.items + d.items, terms = n.terms + d.terms
        FROM (SELECT namespace, count(*) AS items, sum(length) AS terms FROM added GROUP BY 1) d
        WHERE n.id = d.namespace;
    RETURN NULL;
END $$;

CREATE FUNCTION items_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A life that is prolonged changes neither.
    DELETE FROM @schema@.postings p USING before b, after a
        WHERE a.namespace = b.namespace AND a.id = b.id
        AND (a.revision <> b.revision OR a.terms <> b.terms OR a.length <> b.length)
        AND p.namespace = b.namespace AND p.term = ANY (b.terms) AND p.item = b.id;
    UPDATE @schema@.namespaces n SET terms = n.terms + d.terms
        FROM (
            SELECT a.namespace, sum(a.length - b.length) AS terms
            FROM before b JOIN after a ON a.namespace = b.namespace AND a.id = b.id GROUP BY 1
        ) d
        WHERE n.id = d.namespace AND d.terms <> 0;
    RETURN NULL;
END $$;

CREATE FUNCTION items_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM @schema@.postings p USING gone g
        WHERE p.namespace = g.namespace AND p.term = ANY (g.terms) AND p.item = g.id;
    UPDATE @schema@.namespaces n SET items = n.items - d.items, terms = n.terms - d.terms
        FROM (SELECT namespace, count(*) AS items, sum(length) AS terms FROM gone GROUP BY 1) d
        WHERE n.id = d.namespace;
    RETURN NULL;
END $$;

CREATE TRIGGER items_inserted AFTER INSERT ON items
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION items_inserted();
CREATE TRIGGER items_updated AFTER UPDATE ON items
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION items_updated();
CREATE TRIGGER items_deleted AFTER DELETE ON items
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION items_deleted();

-- Row level security: a role that is not the owner of the tables sees its tenant alone.
ALTER TABLE namespaces ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON namespaces USING (tenant = (SELECT current_tenant()));
ALTER TABLE items ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON items USING (namespace IN (SELECT id FROM namespaces));
ALTER TABLE postings ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON postings USING (namespace IN (SELECT id FROM namespaces));

ALTER TABLE revisions ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON revisions USING (namespace IN (SELECT id FROM namespaces));

INSERT INTO state (model, tokenizer, generation) VALUES (NULL, @tokenizer@, 0);
