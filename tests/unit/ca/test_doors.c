/* ca/doors.c: which CA and profile a front end may name. */
#include <string.h>
#include <unistd.h>

#include "ca/doors.h"
#include "tests/unit/ca/house.h"

static struct house h;
static struct doors doors;
static struct error e;

static void
setup(void)
{
	house_open(&h, "test.doors");
	doors = (struct doors){0};
}

static void
teardown(void)
{
	test_superuser("DELETE FROM siegel.endpoint WHERE label LIKE 'door%'; UPDATE siegel.tenant SET enabled = true WHERE id = 1");
	doors_free(&doors);
	house_close(&h);
}

static bool
is_open(const char *protocol, const char *ca, const char *profile)
{
	ck_assert_msg(doors_read(&doors, h.db, h.config, &e) == 0, "%s", e.detail);
	return doors_open(&doors, protocol, registry_authority(h.registry, 1, ca), registry_profile(h.registry, 1, profile));
}

static void
add_door(const char *protocol, const char *label, const char *ca, const char *profile)
{
	char sql[600];
	snprintf(sql, sizeof(sql),
		 "INSERT INTO siegel.endpoint (tenant_id, protocol, label, ca_id, profile_id, auth) SELECT 1, '%s', '%s',"
		 " (SELECT id FROM siegel.ca WHERE tenant_id = 1 AND name = '%s'), p.id, '{%s}' FROM siegel.profile p WHERE p.tenant_id = 1 AND p.name = '%s'",
		 protocol, label, ca, strcmp(protocol, "acme") == 0 ? "http-01" : "password", profile);
	test_superuser(sql);
}

START_TEST(test_unread)
{
	ck_assert(!doors_open(&doors, "est", house_issuing(&h), registry_profile(h.registry, 1, "device")));
}
END_TEST

START_TEST(test_protocols)
{
	static const char *const protocols[] = {"est", "scep"};
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		ck_assert(!is_open(protocols[i], "", "server"));
		add_door(protocols[i], "door", "", "server");
		ck_assert(is_open(protocols[i], "", "server"));
		ck_assert(is_open(protocols[i], "issuing", "server")); /* by its name it is the same CA */
		ck_assert(!is_open(protocols[i], "root", "server"));
		ck_assert(!is_open(protocols[i], "", "client"));
		ck_assert(!is_open(protocols[!i], "", "server"));
		ck_assert(!is_open("acme", "", "server"));
		ck_assert(!is_open("", "", "server"));
		ck_assert(!is_open("estranged", "", "server"));
		test_superuser("UPDATE siegel.endpoint SET enabled = false WHERE label = 'door'");
		ck_assert(!is_open(protocols[i], "", "server"));
		test_superuser("UPDATE siegel.endpoint SET enabled = true WHERE label = 'door'");
		ck_assert(is_open(protocols[i], "", "server"));
		test_superuser("UPDATE siegel.tenant SET enabled = false WHERE id = 1");
		ck_assert(!is_open(protocols[i], "", "server"));
		test_superuser("UPDATE siegel.tenant SET enabled = true WHERE id = 1");
		test_superuser("DELETE FROM siegel.endpoint WHERE label = 'door'");
		ck_assert(!is_open(protocols[i], "", "server"));
	}
}
END_TEST

/* One that names its CA doesn't follow the default. */
START_TEST(test_named_ca)
{
	add_door("scep", "door", "root", "server");
	ck_assert(is_open("scep", "root", "server"));
	ck_assert(!is_open("scep", "", "server"));
	add_door("scep", "door2", "issuing", "client");
	ck_assert(is_open("scep", "", "client"));
	struct authority *ca = house_issuing(&h);
	ca->is_default = false;
	ck_assert(doors_open(&doors, "scep", ca, registry_profile(h.registry, 1, "client")));
	ca->tenant_id = 2;
	ck_assert(!doors_open(&doors, "scep", ca, registry_profile(h.registry, 1, "client")));
}
END_TEST

/* Of a directory what it offers counts, and not the profile in its row. */
START_TEST(test_acme)
{
	add_door("acme", "door", "", "server");
	ck_assert(!is_open("acme", "", "server"));
	test_superuser("INSERT INTO siegel.directory_profile (endpoint_id, tenant_id, name, profile_id, description) SELECT n.id, 1, p.name, p.id, 'x'"
		       " FROM siegel.endpoint n, siegel.profile p WHERE n.label = 'door' AND p.tenant_id = 1 AND p.name IN ('client', 'device')");
	ck_assert(is_open("acme", "", "client"));
	ck_assert(is_open("acme", "", "device"));
	ck_assert(!is_open("acme", "", "server"));
	ck_assert(!is_open("est", "", "client"));
	test_superuser("UPDATE siegel.endpoint SET enabled = false WHERE label = 'door'");
	ck_assert(!is_open("acme", "", "client"));
}
END_TEST

/* It is what the configuration says: tenant "default", its default CA, profile "device". */
START_TEST(test_default_path)
{
	static const char *const bad[] = {"[est]\nca = nosuch\n", "[est]\nprofile = nosuch\n", "[est]\ntenant = nosuch\n", "[est]\nca = root\n"};
	ck_assert(is_open("est", "", "device"));
	ck_assert(!is_open("scep", "", "device"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		config_free(h.config);
		house_write("est.conf", bad[i]);
		ck_assert_msg(config_load(house_path("est.conf"), &h.config, &e) == 0, "%s", e.detail);
		ck_assert(!is_open("est", "", "device"));
	}
	ck_assert(is_open("est", "root", "device"));
}
END_TEST

TCase *
tcase_doors(void)
{
	TCase *c = tcase_create("doors");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_unread);
	tcase_add_test(c, test_protocols);
	tcase_add_test(c, test_named_ca);
	tcase_add_test(c, test_acme);
	tcase_add_test(c, test_default_path);
	tcase_set_timeout(c, 60);
	return c;
}
