-- The renewal of the text index that is going on: for which tokenizer, and under which number. One
-- that was killed is found here by the next.
ALTER TABLE state ADD COLUMN renewing integer, ADD COLUMN renewal integer;
