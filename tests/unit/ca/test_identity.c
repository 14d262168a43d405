/* Who an order is for against who asks: what a code is bound to, what a certificate says, and what a profile says of renewal. */
#include "tests/unit/ca/issue_suites.h"

#include <string.h>

#include "ca/order.h"
#include "tests/unit/ca/inprocess.h"

#define NOW 1800000000
#define DAY 86400
#define DEFINITION                                                                                                              \
	"{\"days\": 10, \"max_days\": 3650, \"keys\": [\"p256\"], \"key_usage\": [\"digitalSignature\"], \"extended_key_usage\": [\"clientAuth\"],"   \
	"\"subject_required\": [\"CN\"], \"subject_allowed\": [\"CN\", \"O\", \"serialNumber\"], \"names_allowed\": [\"dns\", \"ip\", \"permanent-identifier\"]}"

static struct error e;
static struct authority *ca;
static struct profile *profile;
static EVP_PKEY *key;
static struct asked q;
static struct order *o;

/* CN=a.example with the names dns:a.example, dns:b.example, ip:192.0.2.1. */
static void
setup(void)
{
	ca = ca_make("p256", 5000, NOW);
	profile = profile_try(DEFINITION, "cert_client", &e);
	ck_assert_msg(profile != NULL, "%s", e.detail);
	ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &key, &e), 0);
	asked_init(&q, "a.example");
	asked_name(&q, SIEGEL__NAME__KIND__DNS, "a.example");
	asked_name(&q, SIEGEL__NAME__KIND__DNS, "b.example");
	asked_name(&q, SIEGEL__NAME__KIND__IP, "192.0.2.1");
	ck_assert_msg(order_make_internal(ca, profile, key, &q.issue, NOW, &o, &e) == 0, "%s", e.detail);
}

static void
teardown(void)
{
	order_free(o);
	EVP_PKEY_free(key);
	profile_free(profile);
	authority_free(ca);
	o = NULL;
	key = NULL;
}

static const struct {
	const char *common_name, *serial_number;
	bool bound;
	const char *names[4];
	const char *fault; /* NULL: good */
} cases[] = {
    {"", "", false, {0}, NULL},
    {"a.example", "", false, {0}, NULL},
    {"A.example", "", false, {0}, "common name"},
    {"b.example", "", false, {0}, "common name"},
    {"", "4711", false, {0}, "serialNumber"},
    {"a.example", "", true, {"dns:b.example", "ip:192.0.2.1"}, NULL},
    {"a.example", "", true, {"ip:192.0.2.1", "dns:b.example", "dns:c.example"}, NULL},
    {"", "", true, {"dns:a.example", "dns:b.example", "ip:192.0.2.1"}, NULL},
    {"", "", true, {"dns:b.example", "ip:192.0.2.1"}, "CN=a.example"},
    {"", "", true, {"dns:A.EXAMPLE", "dns:b.example", "ip:192.0.2.1"}, "names"},
    {"a.example", "", true, {"dns:b.example"}, "192.0.2.1"},
    {"a.example", "", true, {"dns:b.example", "ip:192.0.2.10"}, "192.0.2.1"},
    {"a.example", "", true, {"dns:b.example", "dns:192.0.2.1"}, "192.0.2.1"},
    {"a.example", "", true, {"b.example", "ip:192.0.2.1"}, "b.example"},
    {"", "", true, {0}, "a.example"},
};

START_TEST(test_identity)
{
	Siegel__Identity id, anybody, *list[] = {&anybody, &id};
	char *names[4], text[6][32];
	siegel__identity__init(&id);
	siegel__identity__init(&anybody);
	id.common_name = strcpy(text[4], cases[_i].common_name);
	id.serial_number = strcpy(text[5], cases[_i].serial_number);
	id.names_bound = cases[_i].bound;
	id.names = names;
	while (id.n_names < 4 && cases[_i].names[id.n_names]) {
		names[id.n_names] = strcpy(text[id.n_names], cases[_i].names[id.n_names]);
		id.n_names++;
	}
	q.issue.identities = list;
	q.issue.n_identities = ARRAY_LEN(list);
	int rc = order_identities(o, &e);
	ck_assert_msg(rc == (cases[_i].fault ? -1 : 0), "%s", rc ? e.detail : "taken");
	if (rc < 0) {
		ck_assert_int_eq(e.code, E_FORBIDDEN);
		ck_assert_str_eq(e.pointer, "csr");
		ck_assert_msg(strstr(e.detail, cases[_i].fault) != NULL, "%s", e.detail);
	}
	q.issue.n_identities = LIMIT_IDENTITIES + 1;
	ck_assert_int_eq(order_identities(o, &e), -1);
	ck_assert_int_eq(e.code, E_MALFORMED);
}
END_TEST

/* The subject's serialNumber may be a permanent identifier that was proved (RFC 4043 2), but not one with an assigner, nor another kind of name. */
START_TEST(test_identity_of_a_device)
{
	static const struct {
		const char *proved, *serial_number;
		bool good;
	} devices[] = {
	    {"permanent-identifier:SN-1", "SN-1", true},      {"permanent-identifier:SN-1", "SN-2", false},
	    {"permanent-identifier:SN-1", "SN-1/1.2", false}, {"permanent-identifier:SN-1/1.2", "SN-1", false},
	    {"dns:SN-1", "SN-1", false},                      {"permanent-identifier:", "SN-1", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
		Siegel__Identity id, *list[] = {&id};
		struct order *device = NULL;
		struct asked a;
		char proved[32], *names[] = {strcpy(proved, devices[i].proved)};
		siegel__identity__init(&id);
		id.common_name = (char[]){"a.example"};
		id.names_bound = true;
		id.names = names;
		id.n_names = 1;
		asked_init(&a, "a.example");
		asked_attribute(&a, "serialNumber", devices[i].serial_number);
		ck_assert_msg(order_make_internal(ca, profile, key, &a.issue, NOW, &device, &e) == 0, "%s", e.detail);
		a.issue.identities = list;
		a.issue.n_identities = 1;
		ck_assert_msg(order_identities(device, &e) == (devices[i].good ? 0 : -1), "%s for %s", devices[i].serial_number, devices[i].proved);
		order_free(device);
	}
}
END_TEST

/* A certificate in an identity is compared as a whole; its purposes aren't. */
START_TEST(test_identity_of_a_certificate)
{
	Siegel__Identity id, *list[] = {&id};
	struct asked other;
	struct order *another = NULL;
	ck_assert_int_eq(order_sign(o, NULL, &e), 0);
	siegel__identity__init(&id);
	id.certificate = (ProtobufCBinaryData){.data = o->certificate.data, .len = o->certificate.len};
	q.issue.identities = list;
	q.issue.n_identities = 1;
	ck_assert_int_eq(order_identities(o, &e), 0);
	asked_init(&other, "a.example");
	asked_name(&other, SIEGEL__NAME__KIND__DNS, "a.example");
	ck_assert_int_eq(order_make_internal(ca, profile, key, &other.issue, NOW, &another, &e), 0);
	other.issue.identities = list;
	other.issue.n_identities = 1;
	ck_assert_int_eq(order_identities(another, &e), -1);
	ck_assert_msg(strstr(e.detail, "names") != NULL, "%s", e.detail);
	id.certificate.len--;
	ck_assert_int_eq(order_identities(another, &e), -1);
	order_free(another);
}
END_TEST

static const struct {
	struct renewal rule;
	bool new_key;
	int64_t after_sec; /* of the end of the certificate; negative: before it */
	enum error_code code; /* E_NONE: good */
} renewals[] = {
    {{.allowed = true, .same_key = true}, false, -DAY, E_NONE},
    {{.allowed = true, .same_key = true}, false, 0, E_NONE},
    {{.allowed = true, .same_key = true}, false, 1, E_FORBIDDEN},
    {{.allowed = true, .same_key = true}, true, 1, E_FORBIDDEN},
    {{.allowed = true, .same_key = true, .after_days = 2}, false, 2 * DAY, E_NONE},
    {{.allowed = true, .same_key = true, .after_days = 2}, false, 2 * DAY + 1, E_FORBIDDEN},
    {{.allowed = false, .same_key = true, .after_days = 2}, false, -DAY, E_POLICY},
    {{.allowed = true, .same_key = false}, false, -DAY, E_POLICY},
    {{.allowed = true, .same_key = false}, true, -DAY, E_NONE},
    {{.allowed = true, .same_key = true, .before_days = 5}, false, -5 * DAY - 1, E_POLICY},
    {{.allowed = true, .same_key = true, .before_days = 5}, false, -5 * DAY, E_NONE},
    {{.allowed = true, .same_key = true, .before_days = 5, .after_days = 1}, false, DAY, E_NONE},
};

START_TEST(test_renewal)
{
	struct order *next = NULL;
	struct cert first;
	ck_assert_int_eq(order_reenrolment(o, NOW, &e), -1); /* nothing that it would be of */
	ck_assert_int_eq(e.code, E_MALFORMED);
	ck_assert_int_eq(order_sign(o, NULL, &e), 0);
	ck_assert_int_eq(cert_parse((struct bytes){o->certificate.data, o->certificate.len}, &first, &e), 0);
	if (renewals[_i].new_key) {
		EVP_PKEY_free(key);
		ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &key, &e), 0);
	}
	profile->renewal = renewals[_i].rule;
	ck_assert_int_eq(order_make_internal(ca, profile, key, &q.issue, NOW, &next, &e), 0);
	q.issue.same_identity_as = (ProtobufCBinaryData){.data = o->certificate.data, .len = o->certificate.len};
	int rc = order_reenrolment(next, first.not_after + renewals[_i].after_sec, &e);
	ck_assert_msg(rc == (renewals[_i].code ? -1 : 0), "%s", rc ? e.detail : "taken");
	if (rc < 0)
		ck_assert_int_eq(e.code, renewals[_i].code);
	order_free(next);
}
END_TEST

TCase *
tcase_identity(void)
{
	TCase *c = tcase_create("identity");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_identity, 0, ARRAY_LEN(cases));
	tcase_add_test(c, test_identity_of_a_device);
	tcase_add_test(c, test_identity_of_a_certificate);
	tcase_add_loop_test(c, test_renewal, 0, ARRAY_LEN(renewals));
	return c;
}
