-- What a rule says in German goes where its message goes: into refusals, demands of approval and trials.
SET search_path = siegel;
ALTER TABLE policy_rule ADD COLUMN message_de text; -- null: the rule has none
UPDATE policy_rule r SET message_de = p.rules -> (r.n - 1) ->> 'message_de' FROM policy p WHERE p.id = r.policy_id AND p.rules -> (r.n - 1) ? 'message_de';

CREATE OR REPLACE FUNCTION policy_compile(p_policy bigint, p_name text, p_tenant int, p_ca int, p_profile int, p_operations text[], p_condition text, p_rules jsonb)
RETURNS SETOF policy_rule LANGUAGE sql IMMUTABLE AS $$
  SELECT p_policy, n::int, p_tenant, p_ca, p_profile, p_operations, p_name, p_condition::jsonpath, r ->> 'name', (r ->> 'when')::jsonpath,
         CASE WHEN r ? 'default' THEN 'default' WHEN r ? 'require' THEN 'require' WHEN r ? 'refuse' THEN 'refuse' ELSE 'approve' END,
         (r ->> 'require')::jsonpath, d.part, d.member, d.value, coalesce(r ->> 'message', ''), r ->> 'pointer', r -> 'approve', r ->> 'message_de'
    FROM jsonb_array_elements(p_rules) WITH ORDINALITY AS u(r, n)
    LEFT JOIN LATERAL (
      SELECT CASE WHEN k IN ('metadata', 'subject') THEN k END AS part, coalesce(i.key, k) AS member, coalesce(i.value, v) AS value
        FROM jsonb_each(CASE WHEN r ? 'default' THEN r -> 'default' ELSE '{}' END) AS t(k, v)
        LEFT JOIN LATERAL jsonb_each(CASE WHEN k IN ('metadata', 'subject') THEN v ELSE '{}' END) i ON true
    ) d ON r ? 'default'
$$;

-- As before, and r_message_de beside r_message; a demand in r_approvers has message_de when its rule has one.
DROP FUNCTION policy_apply;
CREATE FUNCTION policy_apply(p_tenant int[], p_ca int[], p_profile int[], p_doc jsonb[])
RETURNS TABLE (r_place int, r_doc jsonb, r_message text, r_pointer text, r_policy text, r_rule text, r_effect text, r_wanted int, r_approvers text,
  r_message_de text)
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
      SELECT s.*, (SELECT r.message_de FROM unnest(rules) r WHERE r.tenant_id = p_tenant[s.r_place] AND r.policy = s.r_policy AND r.n = s.r_n LIMIT 1) AS message_de
        FROM siegel.policy_judge(rules, p_tenant, p_ca, p_profile, p_doc) s
    ), first AS (
      SELECT DISTINCT ON (j.r_place) j.* FROM j ORDER BY j.r_place, j.r_effect IS NULL, j.r_effect = 'approve', j.r_policy COLLATE "C", j.r_n
    ), demand AS (
      SELECT j.r_place, max((j.r_approvers ->> 'count')::int) AS wanted,
             jsonb_agg(j.r_approvers || jsonb_build_object('policy', j.r_policy, 'rule', j.r_rule, 'message', j.r_message)
                                      || CASE WHEN j.message_de IS NULL THEN '{}' ELSE jsonb_build_object('message_de', j.message_de) END
                       ORDER BY j.r_policy COLLATE "C", j.r_n)::text AS approvers
        FROM j WHERE j.r_effect = 'approve' GROUP BY j.r_place
    )
    SELECT f.r_place::int, f.r_doc, f.r_message, f.r_pointer, f.r_policy, f.r_rule,
           CASE WHEN f.r_effect = 'require' THEN 'refuse' ELSE f.r_effect END,
           CASE WHEN f.r_effect = 'approve' THEN d.wanted END, CASE WHEN f.r_effect = 'approve' THEN d.approvers END, f.message_de
      FROM first f LEFT JOIN demand d ON d.r_place = f.r_place ORDER BY 1;
END $$;
REVOKE ALL ON FUNCTION policy_apply FROM PUBLIC;
GRANT EXECUTE ON FUNCTION policy_apply TO siegel_ca;

-- As before, with message_de beside message.
CREATE OR REPLACE FUNCTION policy_explain(p_rules policy_rule[], p_tenant int, p_ca int, p_profile int, p_doc jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
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
           'message_de', CASE WHEN o.outcome IN ('refused', 'approval') THEN o.message_de END,
           'pointer', CASE WHEN o.outcome = 'refused' THEN o.pointer END,
           'approvers', CASE WHEN o.outcome = 'approval' THEN o.approvers END,
           'set', o.set, 'unknown', o.unknown)) ORDER BY o.n) INTO said
    FROM (
      SELECT x.n, x.name, x.effect, x.message, x.message_de, x.pointer, x.approvers,
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

-- The German of the rule that a text of ours is about, as it was kept of a refusal: "at most ten days (policy "short")" or "… (policy short, rule days)";
-- null: it is about none, or the rule is gone. Whoever may see the text may be told this: of policies the portal sees nothing else.
CREATE FUNCTION policy_german(p_text text) RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = siegel, pg_temp AS $$
DECLARE
  named text := coalesce(substring(p_text FROM ' \(policy "([a-z0-9_-]{1,63})"\)$'), substring(p_text FROM ' \(policy ([a-z0-9_-]{1,63}), rule .{1,255}\)$'));
BEGIN
  IF named IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN (SELECT r ->> 'message_de' FROM siegel.policy p, jsonb_array_elements(p.rules) r
           WHERE p.name = named AND p.tenant_id = nullif(current_setting('siegel.tenant', true), '')::int
             AND position((r ->> 'message') || ' (policy ' IN p_text) > 0 ORDER BY length(r ->> 'message') DESC LIMIT 1);
END $$;
REVOKE ALL ON FUNCTION policy_german FROM PUBLIC;
GRANT EXECUTE ON FUNCTION policy_german TO siegel_api, siegel_portal;
