"""Rules against an evaluation of their own: random conditions, as SQL/JSON path and as Python, on random requests. What PostgreSQL says of each rule
and each request is what a few lines of three-valued logic say."""

import json
import random

import pytest

ROUNDS = 400
DOCUMENTS = 12

TEXTS = ["Ulm", "Jena", "x", "", "a.example", "10"]
PATHS = [("days",), ("owner",), ("metadata", "site"), ("key", "bits"), ("subject", "O"), ("names",)]


def random_document(rng):
    d = {"operation": rng.choice(["certificate.issue", "certificate.renew", "ca.create"])}
    if rng.random() < 0.7:
        d["days"] = rng.choice([1, 10, 100, 397])
    if rng.random() < 0.5:
        d["owner"] = rng.choice(TEXTS)
    if rng.random() < 0.6:
        d["metadata"] = {"site": rng.choice(TEXTS)} if rng.random() < 0.7 else {}
    if rng.random() < 0.6:
        d["key"] = {"bits": rng.choice([256, 384, 2048])}
    if rng.random() < 0.6:
        d["subject"] = {"O": rng.sample(TEXTS, rng.randint(1, 2))}
    if rng.random() < 0.8:
        d["names"] = rng.sample(TEXTS, rng.randint(0, 3))
    return d


# A condition is a tree; sql() writes it, holds() evaluates it to True, False or None (unknown).


def random_condition(rng, depth=2):
    kind = rng.choice(["compare", "starts", "exists", "and", "or", "not", "size"] if depth else ["compare", "starts", "exists"])
    if kind in ("and", "or"):
        return (kind, random_condition(rng, depth - 1), random_condition(rng, depth - 1))
    if kind == "not":
        return (kind, random_condition(rng, depth - 1))
    path = rng.choice(PATHS)
    if kind == "compare":
        return (kind, path, rng.choice(["==", "!=", "<", "<=", ">", ">="]), rng.choice([*TEXTS, 1, 100, 300, True]))
    if kind == "starts":
        return (kind, path, rng.choice(["U", "a", ""]))
    if kind == "size":
        return (kind, path, rng.choice([0, 1, 2]))
    return (kind, path)


def sql(c):
    kind = c[0]
    if kind in ("and", "or"):
        return f"({sql(c[1])} {'&&' if kind == 'and' else '||'} {sql(c[2])})"
    if kind == "not":
        return f"!({sql(c[1])})"
    path = "$." + ".".join(c[1])
    if kind == "compare":
        return f"{path} {c[2]} {json.dumps(c[3])}"
    if kind == "starts":
        return f"{path} starts with {json.dumps(c[2])}"
    if kind == "size":
        return f"{path}.size() == {c[2]}"
    return f"exists({path})"


def items(d, path):
    """What a path finds: nothing, or one value."""
    for step in path:
        if step not in d:
            return []
        d = d[step]
    return [d]


def unwrapped(found):
    return [one for value in found for one in (value if isinstance(value, list) else [value])]


def compare(a, op, b):
    if type(a) is not type(b):
        return None
    if isinstance(a, bool) and op not in ("==", "!="):
        return None
    if isinstance(a, str):
        a, b = a.encode(), b.encode()
    return {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op]


def any_of(results):
    """A predicate over several: unknown when one of them is (lax mode stops at the first that is true)."""
    unknown = False
    for one in results:
        if one:
            return True
        unknown = unknown or one is None
    return None if unknown else False


def holds(c, d):
    kind = c[0]
    if kind == "and":
        a, b = holds(c[1], d), holds(c[2], d)
        return False if a is False or b is False else None if a is None or b is None else True
    if kind == "or":
        a, b = holds(c[1], d), holds(c[2], d)
        return True if a or b else None if a is None or b is None else False
    if kind == "not":
        a = holds(c[1], d)
        return None if a is None else not a
    found = items(d, c[1])
    if kind == "exists":
        return bool(found)
    if kind == "size":
        return any_of(len(value) == c[2] if isinstance(value, list) else 1 == c[2] for value in found)
    if kind == "compare":
        return any_of(compare(value, c[2], c[3]) for value in unwrapped(found))
    return any_of(value.startswith(c[2]) if isinstance(value, str) else None for value in unwrapped(found))


def random_rule(rng, n):
    effect = rng.choice(["default", "require", "refuse", "approve"])
    rule = {"name": f"r{n}", "message": "m"}
    trees = {}
    if rng.random() < 0.7 or effect == "refuse":
        trees["when"] = random_condition(rng)
    if effect == "require":
        trees["require"] = random_condition(rng)
    for name, tree in trees.items():
        rule[name] = sql(tree)
    if effect == "default":
        rule["default"] = rng.choice([{"days": rng.randint(1, 500)}, {"owner": f"o{n}"}, {"metadata": {"site": f"s{n}", "line": f"l{n}"}},
                                      {"subject": {"O": [f"O{n}"]}, "days": n + 1}])
    elif effect == "refuse":
        rule["refuse"] = True
    elif effect == "approve":
        rule["approve"] = {"count": 1, "right": "cas.manage"}
    return effect, rule, trees


def set_values(document, rules):
    """The document after the defaults: each by what the request said, the first one wins."""
    after = json.loads(json.dumps(document))
    for effect, rule, trees in rules:
        if effect != "default" or ("when" in trees and holds(trees["when"], document) is not True):
            continue
        for name, value in rule["default"].items():
            if isinstance(value, dict):
                after[name] = {**value, **after.get(name, {})}
            else:
                after.setdefault(name, value)
    return after


def expected(document, rules, operations):
    if document["operation"] not in operations:
        return document, []
    after = set_values(document, rules)
    said = []
    for effect, rule, trees in rules:
        if effect == "default" or ("when" in trees and holds(trees["when"], after) is False):
            continue
        if effect != "require" or holds(trees["require"], after) is not True:
            said.append(rule["name"])
    return after, said


QUERY = """SELECT coalesce(json_agg(json_build_object('place', j.r_place, 'doc', j.r_doc, 'rule', j.r_rule)), '[]') FROM
 (SELECT array_agg(c) AS rules FROM policy_compile(0, 'p', 1, NULL, NULL, '{{certificate.issue,certificate.renew}}', NULL, $r${rules}$r$) c) r,
 LATERAL policy_judge(r.rules, array_fill(1, '{{{n}}}'), array_fill(NULL::int, '{{{n}}}'), array_fill(NULL::int, '{{{n}}}'),
  ARRAY(SELECT d FROM jsonb_array_elements($d${documents}$d$) WITH ORDINALITY AS u(d, n) ORDER BY n)) j"""


@pytest.mark.parametrize("seed", range(4))
def test_rules_mean_what_they_say(instance, seed):
    rng = random.Random(seed)
    for _ in range(ROUNDS // 4):
        rules = [random_rule(rng, n) for n in range(rng.randint(1, 6))]
        documents = [random_document(rng) for _ in range(DOCUMENTS)]
        text = QUERY.format(rules=json.dumps([rule for _, rule, _ in rules]), documents=json.dumps(documents), n=len(documents))
        rows = json.loads(instance.sql(text)[0][0])
        for place, document in enumerate(documents, 1):
            mine = [row for row in rows if row["place"] == place]
            after, said = expected(document, rules, ("certificate.issue", "certificate.renew"))
            context = json.dumps([[rule for _, rule, _ in rules], document], indent=1)
            assert sorted(row["rule"] for row in mine if row["rule"]) == said, context
            changed = [row["doc"] for row in mine if row["doc"] is not None]
            assert all(doc == after for doc in changed) and bool(changed) == (after != document), context
