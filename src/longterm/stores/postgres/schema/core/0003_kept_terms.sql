-- The hashes of an item's terms, in order and with repetitions, as `text.term_hashes` packs them;
-- null where an older longterm wrote the item, until it is indexed again.
ALTER TABLE items ADD COLUMN hashes bytea;
