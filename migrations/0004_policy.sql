-- Policies: rules over requests, as SQL/JSON paths on the request as a document (doc/policies.md). The manager of the engine writes them, its
-- lanes and its manager ask policy_apply().
SET search_path = siegel;

-- What people wrote. Bound to a CA, to a profile, to both or to the whole tenant, and to the requests that the condition holds for.
CREATE TABLE policy (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id  int NOT NULL REFERENCES tenant,
  name       text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  title      text NOT NULL DEFAULT '',
  enabled    boolean NOT NULL DEFAULT false,
  ca_id      int REFERENCES ca,                -- null: every CA
  profile_id int REFERENCES profile,           -- null: every profile
  operations text[] NOT NULL,                  -- "certificate.issue", "ca.create", …
  condition  text,                             -- null: every request
  rules      jsonb NOT NULL,
  owner      text,
  metadata   jsonb,
  version    int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (tenant_id, name)
);

-- What a request is held against: one row for each rule of each policy that is enabled (for each value that a rule sets), with its paths ready
-- to run. Made anew by policy_compile() whenever the policy changes.
CREATE TABLE policy_rule (
  policy_id   bigint NOT NULL REFERENCES policy ON DELETE CASCADE,
  n           int NOT NULL,                    -- the rule's place in its policy, from 1
  tenant_id   int NOT NULL,
  ca_id       int,
  profile_id  int,
  operations  text[] NOT NULL,
  policy      text NOT NULL COLLATE "C",       -- its name: policies are asked in this order
  condition   jsonpath,
  name        text NOT NULL,
  applies     jsonpath,                        -- "when"; null: always
  effect      text NOT NULL CHECK (effect IN ('default', 'require', 'refuse', 'approve')),
  test        jsonpath,                        -- require: what has to hold
  part        text,                            -- default: null, "metadata" or "subject"
  member      text,
  value       jsonb,
  message     text NOT NULL,
  pointer     text,
  approvers   jsonb                            -- approve: {"count": 2, "right": "approvals.decide"} or {"count": 1, "role": "security"}
);
CREATE INDEX policy_rule_policy ON policy_rule (policy_id);         -- made anew
CREATE INDEX policy_rule_tenant ON policy_rule (tenant_id, policy); -- asked

-- Counts the changes of rules that are in force. Whoever knows which tenants have rules knows the epoch of that knowledge, and asks for it in the
-- statement that stores an intent: a policy that was switched on holds for every request after the answer to the switching one.
CREATE TABLE policy_state (
  one   boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch bigint NOT NULL
);
INSERT INTO policy_state (epoch) VALUES (1);
CREATE FUNCTION policy_rule_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
BEGIN
  UPDATE siegel.policy_state SET epoch = epoch + 1;
  PERFORM pg_notify('policies_changed', '');
  RETURN NULL;
END $$;
CREATE TRIGGER policy_rule_changed AFTER INSERT OR UPDATE OR DELETE ON policy_rule FOR EACH STATEMENT EXECUTE FUNCTION policy_rule_changed();

-- The rules of a policy as rows; the texts are known to be good (ca/manage/policy.c), else this raises.
CREATE FUNCTION policy_compile(p_rules jsonb)
RETURNS TABLE (r_n int, r_name text, r_applies jsonpath, r_effect text, r_test jsonpath, r_part text, r_member text, r_value jsonb,
               r_message text, r_pointer text, r_approvers jsonb) LANGUAGE sql IMMUTABLE AS $$
  SELECT n::int, r ->> 'name', (r ->> 'when')::jsonpath,
         CASE WHEN r ? 'default' THEN 'default' WHEN r ? 'require' THEN 'require' WHEN r ? 'refuse' THEN 'refuse' ELSE 'approve' END,
         (r ->> 'require')::jsonpath, d.part, d.member, d.value, coalesce(r ->> 'message', ''), r ->> 'pointer', r -> 'approve'
    FROM jsonb_array_elements(p_rules) WITH ORDINALITY AS u(r, n)
    LEFT JOIN LATERAL (
      SELECT CASE WHEN k IN ('metadata', 'subject') THEN k END AS part, coalesce(i.key, k) AS member, coalesce(i.value, v) AS value
        FROM jsonb_each(CASE WHEN r ? 'default' THEN r -> 'default' ELSE '{}' END) AS t(k, v)
        LEFT JOIN LATERAL jsonb_each(CASE WHEN k IN ('metadata', 'subject') THEN v ELSE '{}' END) i ON true
    ) d ON r ? 'default'
$$;

-- What the policies of their tenants say about a batch of requests (p_profile and p_ca may be null where the request has none). A row for each
-- document that they say something about:
--   r_place     its place in the arrays, from 1
--   r_doc       the document with the values that rules set, null when they set none: the engine takes days, owner, metadata and subject from it
--   r_effect    null, 'refuse' or 'approve'; with r_message (for people), r_pointer (the member at fault, or null), r_policy and r_rule (names)
--   r_wanted    approve: how many people at least
--   r_approvers approve: JSON, every demand: [{"count": 2, "right": "approvals.decide", "policy": "…", "rule": "…", "message": "…"}]
-- Members of a document that are absent or null have no value. "days" is what the request asks for; when it and the rules say nothing, validations
-- see "default_days" (what the profile gives) in its place.
-- A value: the first rule in the order of names and places wins; each sees the request as it came. Then validations on the result: the first refusal
-- wins over all demands of approval. Where a condition can't be evaluated (a text is compared to a number), a rule that sets a value
-- doesn't apply, and a rule that restricts does: the safe side.
CREATE FUNCTION policy_apply(p_tenant int[], p_ca int[], p_profile int[], p_doc jsonb[])
RETURNS TABLE (r_place int, r_doc jsonb, r_message text, r_pointer text, r_policy text, r_rule text, r_effect text, r_wanted int, r_approvers text)
LANGUAGE plpgsql STABLE
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  docs jsonb[] := p_doc;
  changed boolean[];
BEGIN
  IF EXISTS (SELECT FROM siegel.policy_rule r WHERE r.tenant_id = ANY (p_tenant) AND r.effect = 'default') THEN
    WITH d AS MATERIALIZED (
      SELECT n, t, c, p, jsonb_strip_nulls(doc) AS doc FROM unnest(p_tenant, p_ca, p_profile, p_doc) WITH ORDINALITY AS u(t, c, p, doc, n)
    ), said AS (
      SELECT d.n, r.part, jsonb_object_agg(r.member, r.value ORDER BY r.policy DESC, r.n DESC) AS v
        FROM d JOIN siegel.policy_rule r ON r.tenant_id = d.t AND (r.ca_id IS NULL OR r.ca_id = d.c)
                                        AND (r.profile_id IS NULL OR r.profile_id = d.p)
       WHERE r.effect = 'default' AND d.doc ->> 'operation' = ANY (r.operations)
         AND NOT coalesce(CASE WHEN r.part IS NULL THEN d.doc ELSE d.doc -> r.part END ? r.member, false)
         AND (r.condition IS NULL OR jsonb_path_match(d.doc, r.condition, '{}', true))
         AND (r.applies IS NULL OR jsonb_path_match(d.doc, r.applies, '{}', true))
       GROUP BY d.n, r.part
    ), merged AS (
      SELECT said.n, jsonb_object_agg(part, v) FILTER (WHERE part IS NOT NULL) AS parts,
             jsonb_object_agg('top', v) FILTER (WHERE part IS NULL) -> 'top' AS top
        FROM said GROUP BY said.n
    )
    SELECT array_agg(CASE WHEN m.n IS NULL THEN d.doc
                     ELSE d.doc || coalesce(m.top, '{}')
                          || CASE WHEN m.parts ? 'metadata' THEN jsonb_build_object('metadata', coalesce(d.doc -> 'metadata', '{}') || (m.parts -> 'metadata'))
                                  ELSE '{}' END
                          || CASE WHEN m.parts ? 'subject' THEN jsonb_build_object('subject', coalesce(d.doc -> 'subject', '{}') || (m.parts -> 'subject'))
                                  ELSE '{}' END END ORDER BY d.n),
           array_agg(m.n IS NOT NULL ORDER BY d.n)
      INTO docs, changed FROM d LEFT JOIN merged m ON m.n = d.n;
  END IF;
  RETURN QUERY
    WITH d AS MATERIALIZED (
      SELECT n, t, c, p, ch, doc,
             CASE WHEN doc ->> 'days' IS NULL AND doc ? 'default_days' THEN doc || jsonb_build_object('days', doc -> 'default_days')
                  ELSE doc END AS seen
        FROM unnest(p_tenant, p_ca, p_profile, docs, changed) WITH ORDINALITY AS u(t, c, p, doc, ch, n)
    ), hit AS (
      SELECT d.n, r.policy, r.n AS rule_n, r.name, r.message, r.pointer, r.effect, r.approvers
        FROM d JOIN siegel.policy_rule r ON r.tenant_id = d.t AND (r.ca_id IS NULL OR r.ca_id = d.c)
                                        AND (r.profile_id IS NULL OR r.profile_id = d.p)
       WHERE r.effect <> 'default' AND d.seen ->> 'operation' = ANY (r.operations)
         AND (r.condition IS NULL OR jsonb_path_match(d.seen, r.condition, '{}', true) IS NOT FALSE)
         AND (r.applies IS NULL OR jsonb_path_match(d.seen, r.applies, '{}', true) IS NOT FALSE)
         AND (r.test IS NULL OR jsonb_path_match(d.seen, r.test, '{}', true) IS NOT TRUE)
    ), first AS ( -- refusals before approvals
      SELECT DISTINCT ON (hit.n) * FROM hit ORDER BY hit.n, hit.effect = 'approve', hit.policy, hit.rule_n
    ), demand AS (
      SELECT hit.n, max((hit.approvers ->> 'count')::int) AS wanted,
             jsonb_agg(hit.approvers || jsonb_build_object('policy', hit.policy, 'rule', hit.name, 'message', hit.message)
                       ORDER BY hit.policy, hit.rule_n)::text AS approvers
        FROM hit WHERE hit.effect = 'approve' GROUP BY hit.n
    )
    SELECT d.n::int, CASE WHEN d.ch THEN d.doc END, f.message, f.pointer, f.policy, f.name,
           CASE WHEN f.effect = 'approve' THEN 'approve' WHEN f.effect IS NOT NULL THEN 'refuse' END,
           CASE WHEN f.effect = 'approve' THEN w.wanted END, CASE WHEN f.effect = 'approve' THEN w.approvers END
      FROM d LEFT JOIN first f ON f.n = d.n LEFT JOIN demand w ON w.n = d.n WHERE d.ch OR f.n IS NOT NULL ORDER BY d.n;
END $$;

-- The epoch, and the tenants that have rules for one of these operations: who keeps that in memory asks policy_apply() for their requests alone.
CREATE FUNCTION policy_tenants(p_operations text[]) RETURNS TABLE (r_epoch bigint, r_tenants int[]) LANGUAGE sql STABLE AS $$
  SELECT s.epoch, coalesce((SELECT array_agg(DISTINCT r.tenant_id) FROM siegel.policy_rule r WHERE r.operations && p_operations), '{}')
    FROM siegel.policy_state s
$$;

REVOKE ALL ON FUNCTION policy_rule_changed, policy_compile, policy_apply, policy_tenants FROM PUBLIC;
GRANT EXECUTE ON FUNCTION policy_compile, policy_apply, policy_tenants TO siegel_ca;
GRANT SELECT, INSERT, DELETE ON policy TO siegel_ca;
GRANT UPDATE (name, title, enabled, ca_id, profile_id, operations, condition, rules, owner, metadata, version) ON policy TO siegel_ca;
GRANT SELECT, INSERT, DELETE ON policy_rule TO siegel_ca;
GRANT SELECT ON policy_state TO siegel_ca;
GRANT SELECT ON policy TO siegel_api;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['policy', 'policy_rule', 'policy_state']
  LOOP
    EXECUTE format('ALTER TABLE siegel.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE siegel.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY all_tenants ON siegel.%I TO siegel_owner, siegel_ca, siegel_setup USING (true)', t);
  END LOOP;
END $$;
CREATE POLICY own_tenant ON policy FOR SELECT TO siegel_api USING (tenant_id = nullif(current_setting('siegel.tenant', true), '')::int);
