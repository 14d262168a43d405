/* What a profile makes of subject, names and validity, and what an issuer's certificate allows (A14, A15, A19). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/constraints.h"
#include "ca/rules.h"
#include "tests/unit/ca/inprocess.h"
#include "tests/unit/ca/issue_suites.h"

#define NOW 1800000000
#define DAY 86400
#define LEAF "\"days\": 365, \"max_days\": 3650, \"over_issuer\": \"clamp\", \"keys\": [\"p256\"], \"key_usage\": [\"digitalSignature\"]," \
	     "\"extended_key_usage\": [\"clientAuth\"]"

static struct arena *a;
static struct error e;

static void
setup(void)
{
	a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
}

static void
teardown(void)
{
	arena_free(a);
}

static struct profile *
profile_with(const char *members, const char *kind)
{
	char json[4096];
	snprintf(json, sizeof(json), "{%s}", members);
	struct profile *p = profile_try(json, kind, &e);
	ck_assert_msg(p != NULL, "%s: %s", json, e.detail);
	return p;
}

/* --- subject --- */

#define SUBJECT                                                                                                                     \
	LEAF ", \"subject_required\": [\"CN\"], \"subject_allowed\": [\"CN\", \"OU\", \"O\", \"serialNumber\"], \"subject_fixed\": {\"O\": \"Example\"}," \
	     "\"subject_defaults\": {\"OU\": \"Devices\"}, \"subject_order\": [\"C\", \"O\", \"OU\", \"CN\"],"                       \
	     "\"subject_rules\": {\"CN\": {\"min\": 3, \"max\": 8, \"characters\": \"A-Za-z0-9-\"}, \"OU\": {\"one_of\": [\"Devices\", \"People\"]}}"

static const struct {
	const char *asked, *made, *pointer; /* "type=value;…"; pointer NULL: made */
} subject_cases[] = {
    {"CN=host-1", "O=Example;OU=Devices;CN=host-1;", NULL},
    {"CN=host-1;O=Example", "O=Example;OU=Devices;CN=host-1;", NULL},
    {"CN=host-1;OU=People", "O=Example;OU=People;CN=host-1;", NULL},
    {"serialNumber=1;CN=abc;OU=People;OU=Devices", "O=Example;OU=People;OU=Devices;CN=abc;serialNumber=1;", NULL},
    {"CN=host-1;O=Evil", NULL, "subject/O"},
    {"CN=host-1;O=Example;O=Evil", NULL, "subject/O"},
    {"OU=People", NULL, "subject/CN"},
    {"CN=ab", NULL, "subject/CN"},
    {"CN=abcdefghi", NULL, "subject/CN"},
    {"CN=a b c", NULL, "subject/CN"},
    {"CN=m\xc3\xbcller", NULL, "subject/CN"},
    {"CN=%s%n%x", NULL, "subject/CN"},
    {"CN=host-1;CN=host-2", NULL, "subject/CN"},
    {"CN=host-1;OU=Others", NULL, "subject/OU"},
    {"CN=host-1;L=Berlin", NULL, "subject/L"},
};

START_TEST(test_subject)
{
	struct profile *p = profile_with(SUBJECT, "cert_client");
	struct dn_value values[LIMIT_RDN_COUNT];
	size_t n = 0;
	char *text = arena_strdup(a, subject_cases[_i].asked), *save = NULL;
	for (char *part = strtok_r(text, ";", &save); part; part = strtok_r(NULL, ";", &save)) {
		char *equals = strchr(part, '=');
		if (!equals)
			abort();
		values[n++] = (struct dn_value){dn_type_by_name(arena_strndup(a, part, (size_t)(equals - part))), equals + 1};
	}
	int rc = rules_subject(a, p, values, &n, &e);
	ck_assert_msg((rc == 0) == (subject_cases[_i].pointer == NULL), "%s: %s", subject_cases[_i].asked, rc ? e.detail : "taken");
	if (rc < 0) {
		ck_assert_int_eq(e.code, E_POLICY);
		ck_assert_str_eq(e.pointer, subject_cases[_i].pointer);
	} else {
		const char *made = "";
		for (size_t i = 0; i < n; i++)
			made = arena_printf(a, "%s%s=%s;", made, values[i].type->name, values[i].value);
		ck_assert_str_eq(made, subject_cases[_i].made);
	}
	profile_free(p);
}
END_TEST

/* --- names --- */

static const struct {
	enum name_kind kind;
	const char *text, *made; /* NULL: refused */
} other_cases[] = {
    {NAME_UPN, "a.b@example.com", "a.b@example.com"}, {NAME_UPN, "m\xc3\xbcller@example.com", "m\xc3\xbcller@example.com"}, {NAME_UPN, "a", NULL},
    {NAME_UPN, "@example.com", NULL}, {NAME_UPN, "a@", NULL}, {NAME_UPN, "a@b@example.com", NULL}, {NAME_UPN, "a\\b@example.com", NULL},
    {NAME_UPN, "a b@example.com", NULL}, {NAME_UPN, "a@192.0.2.1", NULL}, {NAME_UPN, "a\xe2\x80\xae@example.com", NULL},
    {NAME_HARDWARE, "1.3.6.1.4.1.99999.7:0A1b", "1.3.6.1.4.1.99999.7:0a1b"}, {NAME_HARDWARE, "1.3.6.1.4.1.99999.7", NULL},
    {NAME_HARDWARE, "1.3.6.1.4.1.99999.7:", NULL}, {NAME_HARDWARE, "1.3.6.1.4.1.99999.7:0a1", NULL}, {NAME_HARDWARE, "x:0a", NULL},
    {NAME_HARDWARE, "9.9:0a", NULL}, {NAME_HARDWARE, ":0a", NULL}, {NAME_RID, "1.3.6.1.4.1.99999.8", "1.3.6.1.4.1.99999.8"},
    {NAME_RID, "1.2.03", "1.2.3"}, {NAME_RID, "1", NULL}, {NAME_RID, "3.1.1", NULL}, {NAME_RID, "1..2", NULL}, {NAME_RID, "a.b", NULL},
    {NAME_PERMANENT_IDENTIFIER, "SN-0042", "SN-0042"}, {NAME_PERMANENT_IDENTIFIER, "Ger\xc3\xa4t 7/1.3.6.1.4.1.99999", "Ger\xc3\xa4t 7/1.3.6.1.4.1.99999"},
    {NAME_PERMANENT_IDENTIFIER, "/1.2.3", NULL}, {NAME_PERMANENT_IDENTIFIER, "a/", NULL}, {NAME_PERMANENT_IDENTIFIER, "a/b", NULL},
    {NAME_PERMANENT_IDENTIFIER, "a/1.2.3/1.2.3", NULL}, {NAME_PERMANENT_IDENTIFIER, "a/1.2.03", NULL}, {NAME_PERMANENT_IDENTIFIER, "a/1", NULL},
    {NAME_PERMANENT_IDENTIFIER, "a\nb", NULL}, {NAME_PERMANENT_IDENTIFIER, "a\xe2\x80\xae", NULL},
};

/* Made, written, read again. */
START_TEST(test_other_names)
{
	struct name n, again[2];
	size_t count = 0;
	const char *text = other_cases[_i].text;
	int rc = name_make(a, other_cases[_i].kind, text, strlen(text), false, &n, &e);
	ck_assert_msg((rc == 0) == (other_cases[_i].made != NULL), "%s", text);
	if (rc < 0)
		return;
	ck_assert_str_eq(n.text, other_cases[_i].made);
	struct buf b BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES);
	names_put(&b, &n, 1);
	ck_assert_int_eq(names_parse(a, (struct bytes){b.data, b.len}, false, again, 2, &count, &e), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(again[0].kind, n.kind);
	ck_assert_str_eq(again[0].text, n.text);
}
END_TEST

/* In DER: kinds that nobody checks, identifiers without end (CVE-2023-2650), X.400 (CVE-2023-0286), what follows a name. */
static const struct {
	const char *what, *der;
	size_t len;
} bad_names[] = {
#define NAMES(what, s) {what, s, sizeof(s) - 1}
    NAMES("x400Address", "\x30\x04\xa3\x02\x30\x00"),
    NAMES("directoryName", "\x30\x04\xa4\x02\x30\x00"),
    NAMES("ediPartyName", "\x30\x04\xa5\x02\x30\x00"),
    NAMES("an otherName that isn't known", "\x30\x0a\xa0\x08\x06\x02\x2a\x03\xa0\x02\x05\x00"),
    NAMES("SmtpUTF8Mailbox (CVE-2022-3602)", "\x30\x15\xa0\x13\x06\x08\x2b\x06\x01\x05\x05\x07\x08\x09\xa0\x07\x0c\x05\x61\x40\x78\x6e\x2d"),
    NAMES("a UPN that is no UTF8String", "\x30\x15\xa0\x13\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03\xa0\x05\x16\x03\x61\x40\x62"),
    NAMES("something behind a UPN", "\x30\x17\xa0\x15\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03\xa0\x07\x0c\x03\x61\x40\x62\x05\x00"),
    NAMES("a module without a number", "\x30\x14\xa0\x12\x06\x08\x2b\x06\x01\x05\x05\x07\x08\x04\xa0\x06\x30\x04\x06\x02\x2a\x03"),
#define PERMANENT "\xa0\x12\x06\x08\x2b\x06\x01\x05\x05\x07\x08\x03\xa0\x06\x30\x04"
    NAMES("a permanent identifier without a value (RFC 4043 2: that of the subject's serialNumber)", "\x30\x14" PERMANENT "\x06\x02\x2a\x03"),
    NAMES("a permanent identifier with an empty value", "\x30\x14" PERMANENT "\x0c\x00\x0c\x00"),
    NAMES("a permanent identifier that is another text", "\x30\x14" PERMANENT "\x13\x02\x41\x42"),
    NAMES("a permanent identifier with a slash in it", "\x30\x14" PERMANENT "\x0c\x02\x41\x2f"),
    NAMES("a permanent identifier with a NUL in it", "\x30\x14" PERMANENT "\x0c\x02\x41\x00"),
    NAMES("a permanent identifier that writes its assigner into its value",
          "\x30\x17\xa0\x15\x06\x08\x2b\x06\x01\x05\x05\x07\x08\x03\xa0\x09\x30\x07\x0c\x05\x41\x2f\x31\x2e\x32"),
    NAMES("a registered id that isn't one", "\x30\x03\x88\x01\x80"),
    NAMES("an empty registered id", "\x30\x02\x88\x00"),
    NAMES("no names", "\x30\x00"),
};

START_TEST(test_bad_names)
{
	struct name n[4];
	size_t count;
	struct bytes der = {(const uint8_t *)bad_names[_i].der, bad_names[_i].len};
	ck_assert_msg(names_parse(a, der, true, n, 4, &count, &e) < 0, "%s", bad_names[_i].what);
}
END_TEST

START_TEST(test_long_identifier)
{
	size_t len = 60000;
	struct buf b BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES);
	uint8_t *oid = arena_alloc(a, len);
	struct name n[4];
	size_t count;
	memset(oid, 0xff, len);
	oid[len - 1] = 1;
	size_t list = der_begin(&b, DER_SEQUENCE);
	der_put(&b, DER_CONTEXT(8), oid, len);
	der_close(&b, list);
	ck_assert_int_eq(names_parse(a, (struct bytes){b.data, b.len}, false, n, 4, &count, &e), -1);
}
END_TEST

#define NAMES_OF                                                                                                                    \
	LEAF ", \"names_allowed\": [\"dns\", \"ip\", \"email\", \"uri\", \"upn\"], \"names_max\": {\"uri\": 1}, \"names_required\": [\"dns\"],"            \
	     "\"names_within\": {\"dns\": [\"example.com\"], \"ip\": [\"10.0.0.0/8\", \"2001:db8::/32\"], \"email\": [\"example.com\", \".mail.example\"],"      \
	     "\"uri\": [\"urn:example:\", \".example.com\"], \"upn\": [\"corp.example\"]}"

static const struct {
	const char *names, *pointer; /* "kind:value …" */
} names_cases[] = {
    {"dns:example.com", NULL}, {"dns:a.example.com", NULL}, {"dns:a.b.example.com ip:10.1.2.3 ip:2001:db8::7", NULL},
    {"dns:badexample.com", "names/0"}, {"dns:example.com.evil.org", "names/0"}, {"dns:a.example.com ip:11.0.0.1", "names/1"},
    {"dns:a.example.com ip:2001:db9::1", "names/1"}, {"dns:a.example.com email:x@example.com", NULL}, {"dns:a.example.com email:x@a.mail.example", NULL},
    {"dns:a.example.com email:x@mail.example", "names/1"}, {"dns:a.example.com email:x@a.example.com", "names/1"},
    {"dns:a.example.com uri:urn:example:1", NULL}, {"dns:a.example.com uri:https://h.example.com/x", NULL},
    {"dns:a.example.com uri:https://h.example.com.evil.org/", "names/1"}, {"dns:a.example.com uri:https://h.example.com@evil.org/", "names/1"},
    {"dns:a.example.com uri:https://10.0.0.1/", "names/1"}, {"dns:a.example.com uri:urn:example:1 uri:urn:example:2", "names/2"},
    {"dns:a.example.com upn:a@corp.example", NULL}, {"dns:a.example.com upn:a@sub.corp.example", NULL},
    {"dns:a.example.com upn:administrator@ad.example", "names/1"}, /* ESC1, ESC6 */
    {"dns:a.example.com rid:1.2.3", "names/1"}, {"ip:10.0.0.1", "names"}, {"dns:a.example.com dns:A.example.com", "names/1"},
};

static size_t
names_of(const char *text, struct name *ret)
{
	char *copy = arena_strdup(a, text), *save = NULL;
	size_t n = 0;
	for (char *part = strtok_r(copy, " ", &save); part; part = strtok_r(NULL, " ", &save)) {
		char *colon = strchr(part, ':');
		int kind = 0;
		if (!colon)
			abort();
		*colon = '\0';
		while (strcmp(name_kind_words[kind], part) != 0)
			kind++;
		ck_assert_msg(name_make(a, (enum name_kind)kind, colon + 1, strlen(colon + 1), true, &ret[n++], &e) == 0, "%s: %s", colon + 1, e.detail);
	}
	return n;
}

START_TEST(test_names)
{
	struct profile *p = profile_with(NAMES_OF, "cert_client");
	struct name names[8];
	size_t n = names_of(names_cases[_i].names, names);
	int rc = rules_names(a, p, names, n, "names", &e);
	ck_assert_msg((rc == 0) == (names_cases[_i].pointer == NULL), "%s: %s", names_cases[_i].names, rc ? e.detail : "taken");
	if (rc < 0)
		ck_assert_str_eq(e.pointer, names_cases[_i].pointer);
	profile_free(p);
}
END_TEST

/* --- validity (A19) --- */

#define ENDLESS "\"no_expiry\": true, \"keys\": [\"p256\"], \"key_usage\": [\"digitalSignature\"], \"extended_key_usage\": [\"clientAuth\"]"
#define SHORT                                                                                                                       \
	"\"minutes\": 10, \"max_hours\": 12, \"keys\": [\"p256\"], \"key_usage\": [\"digitalSignature\"], \"extended_key_usage\": [\"clientAuth\"]," \
	"\"over_maximum\": \"clamp\""

static const struct {
	const char *profile;
	int64_t asked_sec, issuer_end, not_after; /* not_after 0: refused */
} validity_cases[] = {
    {LEAF, 0, INT64_MAX, NOW - 60 + 365LL * DAY - 1},
    {LEAF, DAY, INT64_MAX, NOW - 60 + DAY - 1},
    {LEAF, 3650LL * DAY, INT64_MAX, NOW - 60 + 3650LL * DAY - 1},
    {LEAF, 3651LL * DAY, INT64_MAX, 0},
    {LEAF, -1, INT64_MAX, 0},
    {LEAF, INT64_MIN, INT64_MAX, 0},
    {LEAF, INT64_MAX, INT64_MAX, 0},
    {LEAF, PROFILE_NO_EXPIRY - NOW, INT64_MAX, 0},
    {LEAF, 0, NOW + DAY, NOW + DAY},
    {LEAF, 0, NOW + 30, 0}, /* an issuer that is about to end */
    {LEAF, 0, NOW - 1, 0},
    {SHORT, 0, INT64_MAX, NOW - 60 + 600 - 1},
    {SHORT, DAY, INT64_MAX, NOW - 60 + 12 * 3600 - 1},
    {ENDLESS, 0, INT64_MAX, PROFILE_NO_EXPIRY},
    {ENDLESS, 0, NOW + DAY, PROFILE_NO_EXPIRY},
    {ENDLESS, DAY, INT64_MAX, 0},
};

START_TEST(test_validity)
{
	struct profile *p = profile_with(validity_cases[_i].profile, "cert_device");
	struct validity v;
	int rc = rules_validity(p, validity_cases[_i].asked_sec, NOW, INT64_MIN, validity_cases[_i].issuer_end, &v, &e);
	ck_assert_int_eq(rc, validity_cases[_i].not_after ? 0 : -1);
	if (rc == 0) {
		ck_assert_int_eq(v.not_after, validity_cases[_i].not_after);
		ck_assert_int_eq(v.not_before, NOW - 60);
	} else {
		ck_assert_str_eq(e.pointer, "days");
	}
	profile_free(p);
}
END_TEST

/* notBefore of the order's certificate is never before that of its issuer. */
START_TEST(test_young_issuer)
{
	struct profile *p = profile_with(LEAF, "cert_client");
	struct validity v;
	ck_assert_int_eq(rules_validity(p, 0, NOW, NOW - 5, INT64_MAX, &v, &e), 0);
	ck_assert_int_eq(v.not_before, NOW - 5);
	profile_free(p);
}
END_TEST

/* A certificate that ends at that second: which type of time it has, and that reading gives the second back (RFC 5280 4.1.2.5). */
static const struct {
	int64_t end;
	const char *der;
} time_cases[] = {
    {2524607999, "\x17\x0d" "491231235959Z"},    /* the last UTCTime */
    {2524608000, "\x18\x0f" "20500101000000Z"},  /* the first GeneralizedTime */
    {1835481599, "\x17\x0d" "280229235959Z"},    /* 29 February of a leap year */
    {4107542399, "\x18\x0f" "21000228235959Z"},  /* 2100 has no 29 February */
    {4107542400, "\x18\x0f" "21000301000000Z"},
    {PROFILE_NO_EXPIRY, "\x18\x0f" "99991231235959Z"},
};

START_TEST(test_times)
{
	struct buf b BUF_CLEANUP = BUF_INIT(64);
	int64_t back;
	der_put_time(&b, time_cases[_i].end);
	ck_assert_uint_eq(b.len, strlen(time_cases[_i].der));
	ck_assert_mem_eq(b.data, time_cases[_i].der, b.len);
	struct der d = der_of((struct bytes){b.data, b.len});
	ck_assert_int_eq(der_get_time(&d, "time", &back, &e), 0);
	ck_assert_int_eq(back, time_cases[_i].end);
}
END_TEST

/* Times as nobody may write them: a fraction, a zone, no seconds, a day that there isn't, the wrong type for the year. */
START_TEST(test_bad_times)
{
	static const char *const bad[] = {"\x18\x13" "20500101000000.500Z", "\x17\x11" "260101000000+0100", "\x17\x0b" "2601010000Z", "\x17\x0d" "260230000000Z",
	    "\x17\x0d" "250229000000Z", "\x18\x0f" "21000229000000Z", "\x17\x0d" "260101240000Z", "\x17\x0d" "260101000060Z",
	    "\x17\x0d" "26 101000000Z", "\x17\x0d" "-60101000000Z", "\x18\x0e" "20500101000000"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct der d = der_of(BYTES_STR(bad[i]));
		int64_t t;
		ck_assert_msg(der_get_time(&d, "time", &t, &e) < 0, "%s", bad[i] + 2);
	}
}
END_TEST

/* --- what the issuer allows --- */

#define SUB "\"ca\": true, \"internal\": true, \"days\": 3650, \"max_days\": 7300, \"over_issuer\": \"clamp\", \"keys\": [\"p256\"]," \
	    "\"key_usage\": [\"keyCertSign\", \"cRLSign\"], \"subject_required\": [\"CN\"], \"subject_allowed\": [\"CN\", \"O\"]"
#define ANY                                                                                                                         \
	"\"days\": 365, \"max_days\": 3650, \"over_issuer\": \"clamp\", \"keys\": [\"p256\"], \"key_usage\": [\"digitalSignature\"], \"subject_allowed\": [\"CN\", \"O\"]," \
	"\"wildcard\": true, \"names_allowed\": [\"dns\", \"ip\", \"email\", \"uri\", \"upn\", \"hardware\", \"rid\", \"permanent-identifier\"]"
#define NO_SECRETS SUB ", \"name_constraints\": {\"excluded\": {\"uri\": [\"secret.example.com\"], \"email\": [\"secret.example.com\"]}}"
#define CLIENT ANY ", \"extended_key_usage\": [\"clientAuth\"]"
#define PERMITTED                                                                                                                   \
	SUB ", \"name_constraints\": {\"permitted\": {\"dns\": [\"example.com\"], \"ip\": [\"10.0.0.0/8\"], \"email\": [\".example.com\", \"boss@example.org\"]," \
	    "\"uri\": [\"example.com\"]}, \"excluded\": {\"dns\": [\"secret.example.com\"]}}"

static const struct {
	const char *what, *ca, *leaf, *names; /* "cn:…" in names is the common name */
	bool good;
} issuer_cases[] = {
    {"no constraints", SUB, CLIENT, "dns:a.example.org", true},
    {"another CA below a path length of 0", SUB ", \"path_length\": 0", SUB, "", false},
    {"another CA below a path length of 1", SUB ", \"path_length\": 1", SUB, "", true},
    {"a name inside", PERMITTED, CLIENT, "dns:a.example.com", true},
    {"the domain itself", PERMITTED, CLIENT, "dns:example.com", true},
    {"a name outside", PERMITTED, CLIENT, "dns:a.example.org", false},
    {"a name that ends alike", PERMITTED, CLIENT, "dns:badexample.com", false},
    {"an excluded name", PERMITTED, CLIENT, "dns:x.secret.example.com", false},
    {"a wildcard that stands for an excluded name", PERMITTED, CLIENT, "dns:*.example.com", false},
    {"a wildcard beside it", PERMITTED, CLIENT, "dns:*.a.example.com", true},
    {"an address inside", PERMITTED, CLIENT, "ip:10.9.9.9", true},
    {"an address outside", PERMITTED, CLIENT, "ip:192.0.2.1", false},
    {"an address of the other family", PERMITTED, CLIENT, "ip:2001:db8::1", false},
    {"a mailbox of a host below", PERMITTED, CLIENT, "email:a@x.example.com", true},
    {"a mailbox of the domain itself", PERMITTED, CLIENT, "email:a@example.com", false},
    {"the one mailbox", PERMITTED, CLIENT, "email:boss@example.org", true},
    {"the one mailbox in capitals", PERMITTED, CLIENT, "email:BOSS@example.org", false},
    {"a URI of the host", PERMITTED, CLIENT, "uri:https://example.com/x", true},
    {"a URI of a host below", PERMITTED, CLIENT, "uri:https://a.example.com/x", false},
    {"a URI with another host behind the @", PERMITTED, CLIENT, "uri:https://example.com@evil.org/", false},
    {"a URI without a host", PERMITTED, CLIENT, "uri:urn:example:1", false},
    {"a URI beside an excluded host", NO_SECRETS, CLIENT, "uri:https://a.example.com/", true},
    {"a URI of an excluded host", NO_SECRETS, CLIENT, "uri:https://SECRET.example.com:443/x", false},
    {"the same with a dot behind it", NO_SECRETS, CLIENT, "uri:https://secret.example.com./", false},
    {"the same with an escape", NO_SECRETS, CLIENT, "uri:https://secr%65t.example.com/", false},
    {"the same behind a user", NO_SECRETS, CLIENT, "uri:https://a.example.com@secret.example.com/", false},
    {"a mailbox of an excluded host", NO_SECRETS, CLIENT, "email:a@SECRET.example.com", false},
    {"a common name that is a host outside", PERMITTED, CLIENT, "cn:www.example.org", false},
    {"a common name that is a host inside", PERMITTED, CLIENT, "cn:www.example.com", true},
    {"a common name that is no host", PERMITTED, CLIENT, "cn:J. Doe", true},
    {"a kind that isn't constrained", PERMITTED, CLIENT, "upn:a@evil.org", true},
    {"the policy of the CA", SUB ", \"policies\": [\"1.2.3\"]", CLIENT ", \"policies\": [\"1.2.3\"]", "", true},
    {"another policy", SUB ", \"policies\": [\"1.2.3\"]", CLIENT ", \"policies\": [\"1.2.4\"]", "", false},
    {"a policy below anyPolicy", SUB ", \"policies\": [\"2.5.29.32.0\"]", CLIENT ", \"policies\": [\"1.2.4\"]", "", true},
    {"no policy where one is wanted", SUB ", \"policy_constraints\": {\"require_explicit\": 0}", CLIENT, "", false},
    {"no policy where one is wanted of the next", SUB ", \"policy_constraints\": {\"require_explicit\": 1}", CLIENT, "", false},
    {"no policy where one is wanted later", SUB ", \"policy_constraints\": {\"require_explicit\": 2}", CLIENT, "", true},
    {"an OCSP signer where a policy is wanted", SUB ", \"policy_constraints\": {\"require_explicit\": 0}, \"extended_key_usage\": [\"serverAuth\"]",
	ANY ", \"internal\": true, \"extended_key_usage\": [\"OCSPSigning\"]", "", true},
    {"a policy where one is wanted", SUB ", \"policies\": [\"1.2.3\"], \"policy_constraints\": {\"require_explicit\": 0}",
	CLIENT ", \"policies\": [\"1.2.3\"]", "", true},
    {"a purpose of the CA", SUB ", \"extended_key_usage\": [\"clientAuth\"]", CLIENT, "", true},
    {"another purpose", SUB ", \"extended_key_usage\": [\"serverAuth\"]", CLIENT, "", false},
};

START_TEST(test_issuer)
{
	struct profile *below = profile_with(issuer_cases[_i].ca, "certificate"), *leaf = profile_with(issuer_cases[_i].leaf, "certificate");
	struct authority *root = ca_make("p256", 5000, NOW);
	struct asked q;
	struct order *o = NULL;
	EVP_PKEY *key = NULL;
	struct name names[4];
	/* CA_DEFINITION has a path length of 0: as if it had none. */
	for (int i = 0; i < root->cert.n_extensions; i++)
		if (root->cert.extensions[i].oid.len == 3 && root->cert.extensions[i].oid.data[2] == 0x13)
			root->cert.extensions[i].value = (struct bytes){(const uint8_t *)"\x30\x03\x01\x01\xff", 5};
	asked_init(&q, "Sub CA");
	struct authority *ca = ca_below(root, below, "p256", &q, NOW);
	bool named = strncmp(issuer_cases[_i].names, "cn:", 3) == 0;
	asked_init(&q, named ? issuer_cases[_i].names + 3 : "Leaf");
	size_t n = named ? 0 : names_of(issuer_cases[_i].names, names);
	for (size_t i = 0; i < n; i++)
		asked_name(&q, (Siegel__Name__Kind)names[i].kind, names[i].text);
	ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &key, &e), 0);
	int rc = order_make_internal(ca, leaf, key, &q.issue, NOW, &o, &e);
	ck_assert_msg((rc == 0) == issuer_cases[_i].good, "%s: %s", issuer_cases[_i].what, rc ? e.detail : "taken");
	if (rc < 0)
		ck_assert_int_eq(e.code, E_POLICY);
	else
		ck_assert_msg(order_sign(o, NULL, &e) == 0, "%s: %s", issuer_cases[_i].what, e.detail);
	order_free(o);
	EVP_PKEY_free(key);
	authority_free(ca);
	authority_free(root);
	profile_free(below);
	profile_free(leaf);
}
END_TEST

TCase *
tcase_rules(void)
{
	TCase *c = tcase_create("rules");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_subject, 0, ARRAY_LEN(subject_cases));
	tcase_add_loop_test(c, test_other_names, 0, ARRAY_LEN(other_cases));
	tcase_add_loop_test(c, test_bad_names, 0, ARRAY_LEN(bad_names));
	tcase_add_test(c, test_long_identifier);
	tcase_add_loop_test(c, test_names, 0, ARRAY_LEN(names_cases));
	tcase_add_loop_test(c, test_validity, 0, ARRAY_LEN(validity_cases));
	tcase_add_test(c, test_young_issuer);
	tcase_add_loop_test(c, test_times, 0, ARRAY_LEN(time_cases));
	tcase_add_test(c, test_bad_times);
	tcase_add_loop_test(c, test_issuer, 0, ARRAY_LEN(issuer_cases));
	return c;
}
