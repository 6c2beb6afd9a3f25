-- How far the text index is made again: for which version of it, and up to which revision.
ALTER TABLE state ADD COLUMN renewing INTEGER;
ALTER TABLE state ADD COLUMN renewed INTEGER NOT NULL DEFAULT 0;
