-- Why a challenge's account has no reference of its own.
SET search_path = siegel;

COMMENT ON COLUMN acme_challenge.account_id IS
  'The authorization''s, for the queue of each account: made with it by one function, never changed, gone with it. The reference goes by '
  'authz_id: one to the account would lock its row for each challenge of an order, and want an index to delete accounts by';
