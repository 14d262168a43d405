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

-- The rules of a policy as rows, as policy_rule has them; the texts are known to be good (ca/condition.c), else this raises.
CREATE FUNCTION policy_compile(p_policy bigint, p_name text, p_tenant int, p_ca int, p_profile int, p_operations text[], p_condition text, p_rules jsonb)
RETURNS SETOF policy_rule LANGUAGE sql IMMUTABLE AS $$
  SELECT p_policy, n::int, p_tenant, p_ca, p_profile, p_operations, p_name, p_condition::jsonpath, r ->> 'name', (r ->> 'when')::jsonpath,
         CASE WHEN r ? 'default' THEN 'default' WHEN r ? 'require' THEN 'require' WHEN r ? 'refuse' THEN 'refuse' ELSE 'approve' END,
         (r ->> 'require')::jsonpath, d.part, d.member, d.value, coalesce(r ->> 'message', ''), r ->> 'pointer', r -> 'approve'
    FROM jsonb_array_elements(p_rules) WITH ORDINALITY AS u(r, n)
    LEFT JOIN LATERAL (
      SELECT CASE WHEN k IN ('metadata', 'subject') THEN k END AS part, coalesce(i.key, k) AS member, coalesce(i.value, v) AS value
        FROM jsonb_each(CASE WHEN r ? 'default' THEN r -> 'default' ELSE '{}' END) AS t(k, v)
        LEFT JOIN LATERAL jsonb_each(CASE WHEN k IN ('metadata', 'subject') THEN v ELSE '{}' END) i ON true
    ) d ON r ? 'default'
$$;

-- Holds documents against rules, which are those of a table or made by policy_rows(). A row for each rule that says something against a document, and
-- one without a rule for a document that was changed alone; r_doc: the document with the values that rules set, null when they set none.
-- Members of a document that are absent or null have no value. "days" is what the request asks for; when it and the rules say nothing, validations
-- see "default_days" (what the profile gives) in its place.
-- A value: the first rule in the order of names and places wins; each sees the request as it came. Then validations on the result. Where a
-- condition can't be evaluated (a text is compared to a number), a rule that sets a value doesn't apply, and a rule that restricts does: the safe side.
CREATE FUNCTION policy_judge(p_rules policy_rule[], p_tenant int[], p_ca int[], p_profile int[], p_doc jsonb[])
RETURNS TABLE (r_place bigint, r_doc jsonb, r_policy text, r_n int, r_rule text, r_effect text, r_message text, r_pointer text, r_approvers jsonb)
LANGUAGE plpgsql STABLE
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  docs jsonb[] := p_doc;
  changed boolean[];
BEGIN
  IF EXISTS (SELECT FROM unnest(p_rules) r WHERE r.effect = 'default') THEN
    WITH d AS MATERIALIZED (
      SELECT n, t, c, p, jsonb_strip_nulls(doc) AS doc FROM unnest(p_tenant, p_ca, p_profile, p_doc) WITH ORDINALITY AS u(t, c, p, doc, n)
    ), r AS MATERIALIZED (
      SELECT * FROM unnest(p_rules) r WHERE r.effect = 'default'
    ), said AS (
      SELECT d.n, r.part, jsonb_object_agg(r.member, r.value ORDER BY r.policy DESC, r.n DESC) AS v
        FROM d JOIN r ON r.tenant_id = d.t AND (r.ca_id IS NULL OR r.ca_id = d.c) AND (r.profile_id IS NULL OR r.profile_id = d.p)
       WHERE d.doc ->> 'operation' = ANY (r.operations)
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
    ), r AS MATERIALIZED (
      SELECT * FROM unnest(p_rules) r WHERE r.effect <> 'default'
    ), hit AS (
      SELECT d.n, d.ch, d.doc, r.policy, r.n AS rule_n, r.name, r.effect, r.message, r.pointer, r.approvers
        FROM d JOIN r ON r.tenant_id = d.t AND (r.ca_id IS NULL OR r.ca_id = d.c) AND (r.profile_id IS NULL OR r.profile_id = d.p)
       WHERE d.seen ->> 'operation' = ANY (r.operations)
         AND (r.condition IS NULL OR jsonb_path_match(d.seen, r.condition, '{}', true) IS NOT FALSE)
         AND (r.applies IS NULL OR jsonb_path_match(d.seen, r.applies, '{}', true) IS NOT FALSE)
         AND (r.test IS NULL OR jsonb_path_match(d.seen, r.test, '{}', true) IS NOT TRUE)
    )
    SELECT h.n, CASE WHEN h.ch THEN h.doc END, h.policy, h.rule_n, h.name, h.effect, h.message, h.pointer, h.approvers FROM hit h
    UNION ALL
    SELECT d.n, d.doc, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM d WHERE d.ch;
END $$;

-- What the policies of their tenants say about a batch of requests (p_ca and p_profile are null where the request has none). A row for each
-- document that they say something about:
--   r_place     its place in the arrays, from 1
--   r_doc       the document with the values that rules set, null when they set none: the engine takes days, owner, metadata and subject from it
--   r_effect    null, 'refuse' or 'approve'; with r_message (for people), r_pointer (the member at fault, or null), r_policy and r_rule (names):
--               the first refusal in the order of names and places, which wins over all demands of approval
--   r_wanted    approve: how many people at least
--   r_approvers approve: JSON, every demand: [{"count": 2, "right": "approvals.decide", "policy": "…", "rule": "…", "message": "…"}]
CREATE FUNCTION policy_apply(p_tenant int[], p_ca int[], p_profile int[], p_doc jsonb[])
RETURNS TABLE (r_place int, r_doc jsonb, r_message text, r_pointer text, r_policy text, r_rule text, r_effect text, r_wanted int, r_approvers text)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  rules siegel.policy_rule[];
BEGIN
  SELECT array_agg(r) INTO rules FROM siegel.policy_rule r WHERE r.tenant_id = ANY (p_tenant);
  IF rules IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
    WITH j AS MATERIALIZED (
      SELECT * FROM siegel.policy_judge(rules, p_tenant, p_ca, p_profile, p_doc)
    ), first AS (
      SELECT DISTINCT ON (j.r_place) j.* FROM j ORDER BY j.r_place, j.r_effect IS NULL, j.r_effect = 'approve', j.r_policy COLLATE "C", j.r_n
    ), demand AS (
      SELECT j.r_place, max((j.r_approvers ->> 'count')::int) AS wanted,
             jsonb_agg(j.r_approvers || jsonb_build_object('policy', j.r_policy, 'rule', j.r_rule, 'message', j.r_message)
                       ORDER BY j.r_policy COLLATE "C", j.r_n)::text AS approvers
        FROM j WHERE j.r_effect = 'approve' GROUP BY j.r_place
    )
    SELECT f.r_place::int, f.r_doc, f.r_message, f.r_pointer, f.r_policy, f.r_rule,
           CASE WHEN f.r_effect = 'require' THEN 'refuse' ELSE f.r_effect END,
           CASE WHEN f.r_effect = 'approve' THEN d.wanted END, CASE WHEN f.r_effect = 'approve' THEN d.approvers END
      FROM first f LEFT JOIN demand d ON d.r_place = f.r_place ORDER BY 1;
END $$;

-- What each rule of one policy made of one document, for people; the document is one as policy_apply() has it.
-- outcome: "other_operation", "not_bound" (CA, profile or condition), "not_matched" (when), "set", "has_value", "holds", "refused", "approval".
-- unknown: the paths that couldn't be evaluated.
CREATE FUNCTION policy_explain(p_rules policy_rule[], p_tenant int, p_ca int, p_profile int, p_doc jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  start jsonb := jsonb_strip_nulls(p_doc);
  after jsonb;
  seen jsonb;
  said jsonb;
BEGIN
  SELECT r_doc INTO after FROM siegel.policy_judge(p_rules, ARRAY[p_tenant], ARRAY[p_ca], ARRAY[p_profile], ARRAY[start]) LIMIT 1;
  after := coalesce(after, start);
  seen := CASE WHEN after ->> 'days' IS NULL AND after ? 'default_days' THEN after || jsonb_build_object('days', after -> 'default_days') ELSE after END;
  SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('rule', o.name, 'place', o.n, 'effect', o.effect, 'outcome', o.outcome,
           'message', CASE WHEN o.outcome IN ('refused', 'approval') THEN o.message END,
           'pointer', CASE WHEN o.outcome = 'refused' THEN o.pointer END,
           'approvers', CASE WHEN o.outcome = 'approval' THEN o.approvers END,
           'set', o.set, 'unknown', o.unknown)) ORDER BY o.n) INTO said
    FROM (
      SELECT x.n, x.name, x.effect, x.message, x.pointer, x.approvers,
             CASE WHEN NOT coalesce(start ->> 'operation' = ANY (x.operations), false) THEN 'other_operation'
                  WHEN NOT x.bound OR x.b IS FALSE OR (x.b IS NULL AND x.effect = 'default') THEN 'not_bound'
                  WHEN x.w IS FALSE OR (x.w IS NULL AND x.effect = 'default') THEN 'not_matched'
                  WHEN x.effect = 'default' THEN CASE WHEN x.set IS NULL THEN 'has_value' ELSE 'set' END
                  WHEN x.effect = 'require' AND x.h THEN 'holds'
                  WHEN x.effect = 'approve' THEN 'approval' ELSE 'refused' END AS outcome,
             CASE WHEN x.effect = 'default' AND x.b AND x.w THEN x.set END AS set,
             (SELECT jsonb_agg(k) FROM (SELECT 'condition' AS k WHERE x.b IS NULL UNION ALL SELECT 'when' WHERE x.w IS NULL
                                        UNION ALL SELECT 'require' WHERE x.effect = 'require' AND x.h IS NULL) u) AS unknown
        FROM (
          SELECT DISTINCT ON (r.n) r.*, (r.ca_id IS NULL OR r.ca_id IS NOT DISTINCT FROM p_ca) AND (r.profile_id IS NULL OR r.profile_id IS NOT DISTINCT FROM p_profile) AS bound,
                 r.condition IS NULL OR jsonb_path_match(v.doc, r.condition, '{}', true) AS b,
                 r.applies IS NULL OR jsonb_path_match(v.doc, r.applies, '{}', true) AS w,
                 r.test IS NULL OR jsonb_path_match(v.doc, r.test, '{}', true) AS h,
                 (SELECT jsonb_agg(concat_ws('.', i.part, i.member) ORDER BY i.part NULLS FIRST, i.member) FROM unnest(p_rules) i
                   WHERE i.n = r.n AND NOT coalesce(CASE WHEN i.part IS NULL THEN start ELSE start -> i.part END ? i.member, false)
                     AND NOT EXISTS (SELECT FROM unnest(p_rules) earlier WHERE earlier.n < i.n AND earlier.part IS NOT DISTINCT FROM i.part AND earlier.member = i.member
                                      AND (earlier.condition IS NULL OR jsonb_path_match(start, earlier.condition, '{}', true))
                                      AND (earlier.applies IS NULL OR jsonb_path_match(start, earlier.applies, '{}', true)))) AS set
            FROM unnest(p_rules) r, LATERAL (SELECT CASE WHEN r.effect = 'default' THEN start ELSE seen END AS doc) v
           ORDER BY r.n
        ) x
    ) o;
  RETURN jsonb_build_object('document', after, 'rules', coalesce(said, '[]'));
END $$;

-- Whether a text is a path that may stand in a policy: r_message null, or what PostgreSQL says about it, with the column (in characters, from 1) where
-- it stops to be one; PostgreSQL itself doesn't say where. r_path: as PostgreSQL writes it. r_us: what it costs on a request as large as one may be.
CREATE FUNCTION policy_path_check(p_text text) RETURNS TABLE (r_message text, r_column int, r_path text, r_us bigint) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  path jsonpath;
  doc jsonb;
  message text;
  at timestamptz;
BEGIN
  r_column := 0;
  BEGIN
    path := p_text::jsonpath;
  EXCEPTION WHEN data_exception OR syntax_error OR invalid_regular_expression OR program_limit_exceeded THEN
    GET STACKED DIAGNOSTICS r_message = MESSAGE_TEXT;
  END;
  IF r_message LIKE 'invalid regular expression%' THEN -- which says where it is at fault by itself; the search below would compile it again and again
    r_column := strpos(p_text, 'like_regex');
    RETURN NEXT;
    RETURN;
  ELSIF r_message IS NOT NULL THEN
    -- The longest beginning that is a path or could become one. The blank behind it ends a word, of which PostgreSQL else says that it's the end.
    FOR n IN REVERSE length(p_text) .. 1 LOOP
      BEGIN
        path := (left(p_text, n) || ' ')::jsonpath;
        r_column := n;
      EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
        IF message LIKE '%at end of jsonpath input%' THEN
          r_column := n;
        END IF;
      END;
      EXIT WHEN r_column > 0;
    END LOOP;
    r_column := r_column + 1 + length(substring(substr(p_text, r_column + 1) FROM '^\s*'));
    r_message := regexp_replace(regexp_replace(r_message, '^syntax error at end of jsonpath input', 'something is missing here'),
                                '( at or near " ")?( at end)?( of)?( jsonpath input)?$', '');
    RETURN NEXT;
    RETURN;
  END IF;
  r_path := path::text;
  BEGIN
    PERFORM jsonb_path_match('{}', path);
  EXCEPTION WHEN OTHERS THEN
    r_message := 'it gives no true or false: compare it to something, or write exists(…) around it';
    r_column := 1;
    RETURN NEXT;
    RETURN;
  END;
  SELECT jsonb_build_object('operation', 'certificate.issue', 'requestor', repeat('a', 64), 'ca', 'a', 'profile', 'a', 'days', 1,
           'subject', jsonb_build_object('CN', jsonb_agg(repeat('a', 64)), 'O', jsonb_agg(repeat('a', 64)), 'OU', jsonb_agg(repeat('a', 64))))
    INTO doc FROM generate_series(1, 5);
  doc := doc || jsonb_build_object('names', (SELECT jsonb_agg('dns:' || repeat('a', 240) || i) FROM generate_series(1, 100) i),
                                   'metadata', (SELECT jsonb_object_agg('a' || i, repeat('a', 1000)) FROM generate_series(1, 64) i));
  FOR i IN 1 .. 3 LOOP
    at := clock_timestamp();
    PERFORM jsonb_path_match(doc, path, '{}', true);
    r_us := least(r_us, (extract(epoch FROM clock_timestamp() - at) * 1000000)::bigint);
  END LOOP;
  RETURN NEXT;
END $$;

-- A name as its text stands in the store (RFC 4514), as policies have it: {"CN": ["x"], "O": ["y"]}.
CREATE FUNCTION subject_document(p_subject text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(jsonb_object_agg(t, v), '{}') FROM (
    SELECT m[1] AS t, jsonb_agg(regexp_replace(m[2], '\\(.)', '\1', 'g') ORDER BY n DESC) AS v -- the text has the last one first
      FROM regexp_matches(p_subject, '(?:^|[,+])([A-Za-z0-9.#]+)=((?:\\.|[^,+\\])*)', 'g') WITH ORDINALITY AS r(m, n) GROUP BY 1) x
$$;
-- A stored certificate as the document that its request was, so that a rule can be held against it. What isn't kept isn't there: role and evidence.
CREATE FUNCTION certificate_document(c certificate, p_ca text, p_profile text, p_kind text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object(
    'operation', 'certificate.issue', 'source', c.source, 'requestor', c.requestor, 'ca', p_ca, 'profile', p_profile, 'kind', p_kind,
    'subject', siegel.subject_document(c.subject), 'names', to_jsonb(c.names),
    'key', CASE WHEN c.key_type IS NOT NULL THEN jsonb_build_object('type', c.key_type, 'family',
             CASE WHEN c.key_type LIKE 'rsapss%' THEN 'rsapss' WHEN c.key_type LIKE 'rsa%' THEN 'rsa' WHEN c.key_type LIKE 'ed%' THEN 'ed'
                  WHEN c.key_type LIKE 'mldsa%' THEN 'mldsa' WHEN c.key_type LIKE 'slhdsa%' THEN 'slhdsa' WHEN c.key_type LIKE 'mlkem%' THEN 'mlkem'
                  ELSE 'ec' END, 'bits', substring(c.key_type FROM '[0-9]{3,5}')::int) END,
    'days', round(extract(epoch FROM c.not_after - c.not_before) / 86400)::int, 'owner', c.owner, 'metadata', c.metadata))
$$;
-- The next certificates of a tenant after an id, held against the rules of a policy: how many they were, the last one's id, and what each rule said:
-- [{"place": 1, "rule": "…", "effect": "require", "count": 3, "examples": [17, …]}].
CREATE FUNCTION policy_dry_run(p_rules policy_rule[], p_tenant int, p_after bigint, p_limit int)
RETURNS TABLE (r_count bigint, r_last bigint, r_refused bigint, r_approval bigint, r_changed bigint, r_rules jsonb) LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
    WITH x AS MATERIALIZED (
      SELECT row_number() OVER (ORDER BY c.id) AS place, c.id, c.ca_id, c.profile_id, siegel.certificate_document(c, k.name, p.name, p.kind) AS doc
        FROM (SELECT * FROM siegel.certificate WHERE tenant_id = p_tenant AND id > p_after ORDER BY id LIMIT p_limit) c
        JOIN siegel.ca k ON k.id = c.ca_id JOIN siegel.profile p ON p.id = c.profile_id
    ), all_x AS (
      SELECT array_agg(p_tenant) AS t, array_agg(x.ca_id ORDER BY place) AS c, array_agg(x.profile_id ORDER BY place) AS p, array_agg(x.doc ORDER BY place) AS d FROM x
    ), j AS MATERIALIZED (
      SELECT j.* FROM all_x a, siegel.policy_judge(p_rules, a.t, a.c, a.p, a.d) j
    ), per_rule AS (
      SELECT j.r_n, j.r_rule, j.r_effect, count(*) AS n, (array_agg(x.id ORDER BY x.id))[1:20] AS examples
        FROM j JOIN x ON x.place = j.r_place WHERE j.r_effect IS NOT NULL GROUP BY 1, 2, 3
    )
    SELECT (SELECT count(*) FROM x), coalesce((SELECT max(x.id) FROM x), p_after),
           (SELECT count(DISTINCT j.r_place) FROM j WHERE j.r_effect IN ('require', 'refuse')),
           (SELECT count(DISTINCT j.r_place) FROM j WHERE j.r_effect = 'approve'
             AND NOT EXISTS (SELECT FROM j other WHERE other.r_place = j.r_place AND other.r_effect IN ('require', 'refuse'))),
           (SELECT count(DISTINCT j.r_place) FROM j WHERE j.r_doc IS NOT NULL),
           (SELECT coalesce(jsonb_agg(jsonb_build_object('place', r_n, 'rule', r_rule, 'effect', r_effect, 'count', n, 'examples', to_jsonb(examples)) ORDER BY r_n), '[]') FROM per_rule);
END $$;

-- The epoch, and the tenants that have rules for one of these operations: who keeps that in memory asks policy_apply() for their requests alone.
CREATE FUNCTION policy_tenants(p_operations text[]) RETURNS TABLE (r_epoch bigint, r_tenants int[]) LANGUAGE sql STABLE AS $$
  SELECT s.epoch, coalesce((SELECT array_agg(DISTINCT r.tenant_id) FROM siegel.policy_rule r WHERE r.operations && p_operations), '{}')
    FROM siegel.policy_state s
$$;

-- Approvals. approvers: what the policies demand, as policy_apply() gives it; each demand has to be met, one person may count for several.
ALTER TABLE approval
  ADD approvers jsonb NOT NULL DEFAULT '[]',
  ADD object_version int NOT NULL DEFAULT 0;   -- the version that the object has to have when it is done; 0: any
-- The same request again finds the row that still waits; one that was rejected stands in nobody's way.
DROP INDEX approval_request_key;
CREATE UNIQUE INDEX approval_request_key ON approval (request_key) WHERE request_key IS NOT NULL AND status IN ('open', 'approved');
CREATE INDEX approval_expires ON approval (expires_at) WHERE status IN ('open', 'approved');

-- Whether an account may meet a demand now: it is enabled, and has the right or the role.
CREATE FUNCTION approval_eligible(p_account bigint, p_demand jsonb) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
  rights text[] := siegel.account_rights(p_account);
BEGIN
  RETURN rights IS NOT NULL AND 'approvals.decide' = ANY (rights) AND
         CASE WHEN p_demand ? 'right' THEN p_demand ->> 'right' = ANY (rights)
              ELSE EXISTS (SELECT FROM siegel.account a WHERE a.id = p_account AND a.role = p_demand ->> 'role') END;
END $$;
-- Two accounts of one person: the same account, or the same mail address in letters of either case.
CREATE FUNCTION same_person(p_one bigint, p_other bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN p_one = p_other OR EXISTS (SELECT FROM siegel.account a JOIN siegel.account b ON lower(btrim(a.email)) = lower(btrim(b.email))
                                     WHERE a.id = p_one AND b.id = p_other AND btrim(a.email) <> '');
END $$;
-- How an approval stands: what of each demand is met by those who said yes to it as it is now and still may, and whether all are.
CREATE FUNCTION approval_standing(p_approval bigint) RETURNS TABLE (r_complete boolean, r_demands jsonb) LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
    SELECT bool_and(met >= (demand ->> 'count')::int), jsonb_agg(demand || jsonb_build_object('met', met) ORDER BY place)
      FROM (SELECT u.demand, u.place, (SELECT count(*) FROM siegel.approval_decision d
                                        WHERE d.approval_id = a.id AND d.version = a.version AND d.approves
                                          AND siegel.approval_eligible(d.account_id, u.demand)) AS met
              FROM siegel.approval a, jsonb_array_elements(a.approvers) WITH ORDINALITY AS u(demand, place) WHERE a.id = p_approval) x;
END $$;
-- Stores what waits, or finds what waits already with this request key. The requestor and the time that it may wait are the caller's.
CREATE FUNCTION approval_add(p_tenant int, p_operation text, p_object bigint, p_version int, p_body jsonb, p_request bytea, p_key bytea, p_reason text,
                             p_wanted int, p_approvers jsonb, p_account bigint, p_requestor text, p_days int)
RETURNS TABLE (r_id bigint, r_is_new boolean) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY
    INSERT INTO siegel.approval (tenant_id, operation, object_id, object_version, body, request, request_key, reason, wanted, approvers, requested_by,
                                 requestor, expires_at)
    VALUES (p_tenant, p_operation, p_object, p_version, p_body, p_request, p_key, p_reason, p_wanted, p_approvers, p_account, p_requestor,
            now() + make_interval(days => p_days))
    ON CONFLICT (request_key) WHERE request_key IS NOT NULL AND status IN ('open', 'approved') DO NOTHING RETURNING id, true;
  IF NOT FOUND THEN
    RETURN QUERY SELECT id, false FROM siegel.approval WHERE request_key = p_key AND status IN ('open', 'approved');
  END IF;
END $$;

REVOKE ALL ON FUNCTION policy_rule_changed, policy_compile, policy_judge, policy_explain, policy_path_check, subject_document, certificate_document,
  policy_dry_run, policy_apply, policy_tenants, approval_eligible, same_person, approval_standing, approval_add FROM PUBLIC;
GRANT EXECUTE ON FUNCTION policy_compile, policy_judge, policy_explain, policy_path_check, subject_document, certificate_document,
  policy_dry_run, policy_apply, policy_tenants, approval_eligible, same_person, approval_standing, approval_add TO siegel_ca;
GRANT SELECT, INSERT, DELETE ON policy TO siegel_ca;
GRANT UPDATE (name, title, enabled, ca_id, profile_id, operations, condition, rules, owner, metadata, version) ON policy TO siegel_ca;
GRANT SELECT, INSERT, DELETE ON policy_rule TO siegel_ca;
GRANT UPDATE (ca_id) ON policy_rule TO siegel_ca; -- a CA's successor
GRANT SELECT ON policy_state TO siegel_ca;
-- Credentials that ended a while ago are swept.
GRANT DELETE ON credential TO siegel_ca;
CREATE INDEX credential_account ON credential (account_id); -- an account's: listed, counted, ended
GRANT SELECT ON policy TO siegel_api;
GRANT SELECT (approvers) ON approval TO siegel_api;

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
