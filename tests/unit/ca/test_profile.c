/* The definitions of profiles: what is taken, what is refused, and which member is named (X05). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/ca/inprocess.h"
#include "tests/unit/ca/issue_suites.h"

/* A definition that is good without any of these, each of which a case may replace. */
static const struct {
	const char *member, *value;
} base[] = {
    {"days", "365"}, {"max_days", "3650"}, {"keys", "[\"p256\", \"rsa3072\"]"}, {"key_usage", "[\"digitalSignature\", \"keyEncipherment\"]"},
    {"extended_key_usage", "[\"serverAuth\"]"}, {"subject_allowed", "[\"CN\"]"}, {"names_allowed", "[\"dns\", \"uri\"]"},
};

struct text {
	char s[4096];
};

/* The base with the members of over (JSON without braces) in the place of its own; "-member" leaves one out. */
static struct text
definition(const char *over)
{
	struct text t = {"{"};
	size_t n = 1;
	for (size_t i = 0; i < ARRAY_LEN(base); i++) {
		char quoted[64], left[64];
		snprintf(quoted, sizeof(quoted), "\"%s\":", base[i].member);
		snprintf(left, sizeof(left), "-%s ", base[i].member);
		if (!strstr(over, quoted) && !strstr(over, left))
			n += (size_t)snprintf(t.s + n, sizeof(t.s) - n, "%s%s %s", n > 1 ? ", " : "", quoted, base[i].value);
	}
	while (*over == '-')
		over = strchr(over, ' ') + 1;
	snprintf(t.s + n, sizeof(t.s) - n, "%s%s}", *over && n > 1 ? ", " : "", over);
	return t;
}

#define AS_CA "-extended_key_usage \"ca\": true, \"internal\": true, \"key_usage\": [\"keyCertSign\"], \"subject_required\": [\"CN\"], "

static const struct {
	const char *over, *kind, *pointer; /* pointer NULL: taken */
} cases[] = {
    {"", "cert_server", NULL},
    /* validity: X05 */
    {"\"max_days\": 36525", "cert_server", "max_days"},
    {"\"max_days\": 36526", "cert_server", "max_days"},
    {"\"days\": 3651", "cert_server", "days"},
    {"\"days\": 0", "cert_server", "days"},
    {"\"days\": 1.5", "cert_server", "days"},
    {"-days \"hours\": 1", "cert_server", NULL},
    {"\"hours\": 1", "cert_server", "hours"}, /* in two units */
    {"-days -max_days \"minutes\": 5, \"max_minutes\": 60", "cert_server", NULL},
    {"-days -max_days \"minutes\": 4, \"max_minutes\": 60", "cert_server", "minutes"},
    {"-max_days \"max_hours\": 200000", "cert_server", "max_days"},
    {"-days -max_days \"no_expiry\": true", "cert_device", NULL},
    {"-days -max_days \"no_expiry\": true", "cert_server", "no_expiry"},
    {"\"no_expiry\": true", "cert_device", "no_expiry"},
    {AS_CA "\"max_days\": 36525", "certificate", NULL},
    /* CAs: X05 */
    {"\"ca\": true", "cert_server", "ca"},
    {"\"path_length\": 0", "cert_server", "path_length"},
    {"\"key_usage\": [\"digitalSignature\", \"keyCertSign\"]", "cert_server", "key_usage"},
    {"\"key_usage\": [\"digitalSignature\", \"cRLSign\"]", "cert_server", "key_usage"},
    {AS_CA "\"path_length\": 8", "certificate", NULL},
    {AS_CA "\"path_length\": 9", "certificate", "path_length"},
    {"-extended_key_usage \"ca\": true, \"internal\": true, \"key_usage\": [\"keyCertSign\", \"keyEncipherment\"], \"subject_required\": [\"CN\"]",
	"certificate", "key_usage"},
    {"-extended_key_usage \"ca\": true, \"internal\": true, \"key_usage\": [\"keyCertSign\"]", "certificate", "subject_required"},
    /* algorithms: X05 */
    {"\"digest\": \"sha1\"", "cert_server", "digest"},
    {"\"signature\": \"sha1\"", "cert_server", "signature"},
    {"\"keys\": [\"rsa1024\"]", "cert_server", "keys"},
    {"\"keys\": [\"sect113r1\"]", "cert_server", "keys"},
    {"\"keys\": []", "cert_server", "keys"},
    {"-keys ", "cert_server", "keys"},
    /* purposes: X05, A16 */
    {"\"extended_key_usage\": [\"anyExtendedKeyUsage\"]", "cert_server", "extended_key_usage"},
    {"\"extended_key_usage\": [\"2.5.29.37.0\"]", "cert_server", "extended_key_usage"},
    {"\"extended_key_usage\": [\"02.5.29.37.0\"]", "cert_server", "extended_key_usage"},
    {"\"extended_key_usage\": [\"1.3.6.1.4.1.311.10.12.1\"]", "cert_server", "extended_key_usage"},
    {"\"extended_key_usage\": [\"1.3.6.1.4.1.311.20.2.1\"]", "cert_server", "extended_key_usage"},
    {"\"extended_key_usage\": [\"1.3.6.1.4.1.311.21.6\"]", "cert_server", "extended_key_usage"},
    {"\"extended_key_usage\": [\"OCSPSigning\"]", "cert_server", "extended_key_usage"},
    {"\"extended_key_usage\": [\"1.3.6.1.5.5.7.3.9\"]", "cert_server", "extended_key_usage"},
    {"\"extended_key_usage\": [\"serverAuth\", \"1.3.6.1.5.5.7.3.1\"]", "cert_server", "extended_key_usage"}, /* twice */
    {"\"extended_key_usage\": [\"1.3.6.1.4.1.99999.1\"]", "cert_server", NULL},
    {"\"extended_key_usage\": [\"1.3.\"]", "cert_server", "extended_key_usage"},
    {"\"extended_key_usage\": []", "cert_server", "extended_key_usage"},
    {"-extended_key_usage ", "cert_server", "extended_key_usage"},
    {"\"extended_key_usage\": [\"timeStamping\"]", "certificate", "extended_key_usage"}, /* RFC 3161 2.3: critical, alone, signs */
    {"\"extended_key_usage\": [\"timeStamping\"], \"extended_key_usage_critical\": true", "certificate", "extended_key_usage"},
    {"\"extended_key_usage\": [\"timeStamping\"], \"extended_key_usage_critical\": true, \"key_usage\": [\"digitalSignature\"]", "certificate", NULL},
    {"\"extended_key_usage\": [\"timeStamping\", \"codeSigning\"], \"extended_key_usage_critical\": true, \"key_usage\": [\"digitalSignature\"]",
	"certificate", "extended_key_usage"},
    {"\"key_usage\": [\"nonRepudiation\"]", "cert_server", "extended_key_usage"},  /* no server */
    {"\"key_usage\": [\"keyEncipherment\", \"nonRepudiation\"]", "cert_server", "extended_key_usage"}, /* none with the P-256 key */
    {"\"key_usage\": [\"keyEncipherment\"]", "cert_server", "keys"},
    {"\"key_usage\": [\"digitalSignature\", \"encipherOnly\"]", "cert_server", "key_usage"},
    {"-extended_key_usage \"without_purpose\": true, \"key_usage\": [\"digitalSignature\"], \"names_allowed\": [\"uri\"]", "cert_device", NULL},
    {"-extended_key_usage \"without_purpose\": true, \"names_allowed\": [\"uri\"]", "cert_device", "without_purpose"},
    {"-extended_key_usage \"without_purpose\": true, \"key_usage\": [\"digitalSignature\"]", "cert_device", "without_purpose"}, /* takes dns */
    {"\"without_purpose\": true", "cert_device", "without_purpose"},
    /* keys */
    {"\"key_origin\": \"client\"", "cert_server", NULL},
    {"\"key_origin\": \"me\"", "cert_server", "key_origin"},
    {"\"archive_keys\": true", "cert_server", NULL},
    {"\"archive_keys\": true, \"key_origin\": \"client\"", "cert_server", "archive_keys"},
    {"\"archive_keys\": true, \"key_usage\": [\"digitalSignature\", \"nonRepudiation\"]", "cert_server", "archive_keys"},
    /* subject */
    {"\"subject_fixed\": {\"O\": \"Example\", \"C\": \"DE\"}", "cert_server", NULL},
    {"\"subject_fixed\": {\"C\": \"Germany\"}", "cert_server", "subject_fixed"},
    {"\"subject_fixed\": {\"X\": \"1\"}", "cert_server", "subject_fixed"},
    {"\"subject_defaults\": {\"OU\": 1}", "cert_server", "subject_defaults"},
    {"\"subject_defaults\": {\"OU\": \"a\\u0000b\"}", "cert_server", ""},
    {"\"subject_defaults\": {\"OU\": \"a\\u202eb\"}", "cert_server", "subject_defaults"},
    {"\"subject_order\": [\"C\", \"O\", \"CN\"]", "cert_server", NULL},
    {"\"subject_rules\": {\"CN\": {\"min\": 3, \"max\": 20, \"characters\": \"A-Z0-9\", \"one_of\": [\"A\"]}}", "cert_server", NULL},
    {"\"subject_rules\": {\"CN\": {\"min\": 21, \"max\": 20}}", "cert_server", "subject_rules"},
    {"\"subject_rules\": {\"CN\": {\"max\": 65}}", "cert_server", "subject_rules"}, /* ub-common-name */
    {"\"subject_rules\": {\"CN\": {\"pattern\": \".*\"}}", "cert_server", "subject_rules"},
    {"\"subject_rules\": {\"CN\": {\"max\": 6}, \"cn\": {\"max\": 7}}", "cert_server", "subject_rules"},
    /* names */
    {"\"names_allowed\": [\"x400\"]", "cert_server", "names_allowed"},
    {"\"names_required\": [\"ip\"]", "cert_server", "names_required"},
    {"\"names_required\": [\"dns\"], \"names_max\": {\"dns\": 1}", "cert_server", NULL},
    {"\"names_max\": {\"dns\": 101}", "cert_server", "names_max"},
    {"\"names_within\": {\"dns\": [\"example.com\"], \"uri\": [\"urn:example:\", \".example.com\"]}", "cert_server", NULL},
    {"\"names_within\": {\"dns\": [\"*.example.com\"]}", "cert_server", "names_within"},
    {"\"names_within\": {\"dns\": []}", "cert_server", "names_within"},
    {"\"names_within\": {\"ip\": [\"10.0.0.0/8\"]}", "cert_server", "names_within"}, /* a kind that isn't taken */
    {"\"names_allowed\": [\"ip\"], \"names_within\": {\"ip\": [\"10.0.0.0/8\", \"2001:db8::/32\"]}", "cert_server", NULL},
    {"\"names_allowed\": [\"ip\"], \"names_within\": {\"ip\": [\"10.0.0.1/8\"]}", "cert_server", "names_within"},
    {"\"names_allowed\": [\"ip\"], \"names_within\": {\"ip\": [\"10.0.0.0/33\"]}", "cert_server", "names_within"},
    {"\"names_allowed\": [\"ip\"], \"names_within\": {\"ip\": [\"10.0.0.0/99999999999\"]}", "cert_server", "names_within"},
    /* extensions that bring a member */
    {"\"policies\": [\"1.2.3\", {\"oid\": \"1.2.4\", \"cps\": \"https://pki.example/cps\"}]", "cert_server", NULL},
    {"\"policies\": [{\"oid\": \"1.2.4\", \"cps\": \"javascript:1\"}]", "cert_server", "policies"},
    {"\"policies\": [\"1.2.3\", \"1.2.3\"]", "cert_server", "policies"},
    {"\"policies\": [\"2.5.29.32.0\"]", "cert_server", "policies"},
    {AS_CA "\"policies\": [\"2.5.29.32.0\"]", "certificate", NULL},
    {"\"tls_feature\": [\"status_request\"]", "cert_server", NULL},
    {"\"tls_feature\": [\"status_request\", \"status_request\"]", "cert_server", "tls_feature"},
    {"\"tls_feature\": []", "cert_server", "tls_feature"},
    {"\"tls_feature\": [\"status_request\"], \"extended_key_usage\": [\"clientAuth\"]", "cert_server", "tls_feature"},
    {"\"tls_feature\": [\"status_request\"], \"status_information\": false", "cert_server", "tls_feature"},
    {"\"ocsp_nocheck\": true", "cert_server", "ocsp_nocheck"},
    {"\"name_constraints\": {\"permitted\": {\"dns\": [\"example.com\"]}}", "cert_server", "name_constraints"},
    {AS_CA "\"name_constraints\": {\"permitted\": {\"dns\": [\"example.com\"]}}", "certificate", NULL},
    {AS_CA "\"name_constraints\": {\"excluded\": {\"dns\": [\"\"], \"ip\": [\"0.0.0.0/0\"]}}", "certificate", NULL},
    {AS_CA "\"name_constraints\": {}", "certificate", "name_constraints"},
    {AS_CA "\"name_constraints\": {\"permitted\": {\"upn\": [\"example.com\"]}}", "certificate", "name_constraints"},
    {AS_CA "\"policy_constraints\": {\"require_explicit\": 0}, \"inhibit_any_policy\": 0", "certificate", NULL},
    {AS_CA "\"policy_constraints\": {}", "certificate", "policy_constraints"},
    {"\"policy_constraints\": {\"require_explicit\": 0}", "cert_server", "policy_constraints"},
    {"\"inhibit_any_policy\": 0", "cert_server", "inhibit_any_policy"},
    /* extensions with a fixed value */
    {"\"extensions\": [{\"oid\": \"1.3.6.1.4.1.99999.5\", \"value\": \"0500\"}]", "cert_server", NULL},
    {"\"extensions\": [{\"oid\": \"1.3.6.1.4.1.99999.5\", \"value\": \"050\"}]", "cert_server", "extensions"},
    {"\"extensions\": [{\"oid\": \"1.3.6.1.4.1.99999.5\", \"value\": \"050000\"}]", "cert_server", "extensions"}, /* something behind it */
    {"\"extensions\": [{\"oid\": \"1.3.6.1.4.1.99999.5\", \"value\": \"3080\"}]", "cert_server", "extensions"},   /* indefinite */
    {"\"extensions\": [{\"oid\": \"2.5.29.19\", \"value\": \"30030101ff\"}]", "cert_server", "extensions"},       /* CA:TRUE by the back door */
    {"\"extensions\": [{\"oid\": \"2.5.29.17\", \"value\": \"3000\"}]", "cert_server", "extensions"},
    {"\"extensions\": [{\"oid\": \"1.3.6.1.5.5.7.1.24\", \"value\": \"3000\"}]", "cert_server", "extensions"},
    {"\"extensions\": [{\"oid\": \"1.3.6.1.4.1.311.25.2\", \"value\": \"3000\"}]", "cert_server", "extensions"}, /* SID: who one is to Windows */
    {"\"extensions\": [{\"oid\": \"1.3.6.1.4.1.311.20.2\", \"value\": \"0500\"}]", "cert_server", "extensions"}, /* template */
    {"\"extensions\": [{\"oid\": \"1.2.3\", \"value\": \"0500\"}, {\"oid\": \"1.2.3\", \"value\": \"0500\"}]", "cert_server", "extensions"},
    {"\"extensions\": [{\"oid\": \"1.2.3\"}]", "cert_server", "extensions"},
    /* afterwards */
    {"\"renew\": {\"allowed\": true, \"same_key\": false, \"before_days\": 30, \"after_days\": 1}", "cert_server", NULL},
    {"\"renew\": {\"often\": true}", "cert_server", "renew"},
    {"\"metadata\": {\"cost_center\": \"4711\"}", "cert_server", NULL},
    {"\"metadata\": {\"a\": {}}", "cert_server", "metadata"},
    {"\"disabled\": true", "cert_server", NULL},
    {"\"disabled\": 1", "cert_server", "disabled"},
    {"\"colour\": 1", "cert_server", "colour"},
    {"\"days\": 1, \"days\": 1", "cert_server", ""},
};

START_TEST(test_case)
{
	struct error e = {0};
	struct text t = definition(cases[_i].over);
	struct profile *p = profile_try(t.s, cases[_i].kind, &e);
	ck_assert_msg((p != NULL) == (cases[_i].pointer == NULL), "%s: %s", t.s, p ? "taken" : e.detail);
	if (!p) {
		ck_assert_int_eq(e.code, E_BAD_VALUE);
		ck_assert_msg(strcmp(e.pointer, cases[_i].pointer) == 0, "%s: %s is at fault, not %s (%s)", t.s, cases[_i].pointer, e.pointer, e.detail);
	}
	profile_free(p);
}
END_TEST

/* What isn't an object, or has the wrong type, for each member in turn. */
START_TEST(test_types)
{
	static const char *const values[] = {"null", "{}", "[[]]", "[{}]", "[1]", "\"\"", "-1", "1e400", "{\"a\": null}", "{\"dns\": 0}", "99999999999999"};
	static const char *const members[] = {"disabled", "internal", "ca", "path_length", "days", "hours", "max_minutes", "no_expiry", "over_maximum", "keys",
	    "key_origin", "key_reuse", "archive_keys", "key_usage", "extended_key_usage", "extended_key_usage_critical", "without_purpose",
	    "subject_required", "subject_allowed", "subject_order", "subject_rules", "names_allowed", "names_required", "names_within",
	    "from_common_name", "wildcard", "status_information", "extensions", "policies", "policy_constraints", "inhibit_any_policy",
	    "name_constraints", "tls_feature", "ocsp_nocheck", "renew", "metadata", "names_max", "subject_fixed", "subject_defaults"};
	/* An empty set says nothing. */
	static const char *const sets[] = {"subject_rules", "names_within", "renew", "metadata", "names_max", "subject_fixed", "subject_defaults"};
	for (size_t m = 0; m < ARRAY_LEN(members); m++)
		for (size_t v = 0; v < ARRAY_LEN(values); v++) {
			struct error e = {0};
			char over[256];
			snprintf(over, sizeof(over), "\"%s\": %s", members[m], values[v]);
			struct text t = definition(over);
			struct profile *p = profile_try(t.s, "cert_server", &e);
			bool empty = false;
			for (size_t s = 0; s < ARRAY_LEN(sets) && strcmp(values[v], "{}") == 0; s++)
				empty = empty || strcmp(sets[s], members[m]) == 0;
			ck_assert_msg((p != NULL) == empty, "%s", t.s);
			profile_free(p);
		}
	struct error e;
	ck_assert_ptr_null(profile_try("", "cert_server", &e));
	ck_assert_ptr_null(profile_try("[]", "cert_server", &e));
	ck_assert_ptr_null(profile_try("{}", "cert_server", &e));
	ck_assert_ptr_null(profile_try("{\"days\": 1} 1", "cert_server", &e));
}
END_TEST

TCase *
tcase_profile(void)
{
	TCase *c = tcase_create("profile");
	tcase_add_loop_test(c, test_case, 0, ARRAY_LEN(cases));
	tcase_add_test(c, test_types);
	return c;
}
