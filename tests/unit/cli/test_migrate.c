/* The folder's side of the runner; tests/integration/test_migrate.py tries the store's. */
#include "cli/migrate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/cli/suites.h"

static char dir[64];
static struct arena *arena;

static void
setup(void)
{
	arena = arena_new(64 << 20);
	snprintf(dir, sizeof(dir), "/tmp/siegel-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
	arena_free(arena);
}

static void
put(const char *name, const char *text, size_t len)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

START_TEST(test_read)
{
	struct migration_list list;
	struct error e = {0};

	put("0002_second.sql", "b", 1);
	put("0001_first.sql", "abc", 3);
	put("roles.sql", "x", 1);
	put("0003_third.sql.orig", "x", 1);
	put("3_short.sql", "x", 1);
	put("README.md", "x", 1);
	ck_assert_msg(migration_read_dir(arena, dir, &list, &e) == 0, "%s", e.detail);
	ck_assert_uint_eq(list.n, 2);
	ck_assert_str_eq(list.all[0].name, "0001_first.sql");
	ck_assert_str_eq((const char *)list.all[0].text.data, "abc");
	/* FIPS 180-4's own example */
	ck_assert_str_eq(arena_hex(arena, list.all[0].sha256, 32), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	ck_assert_int_eq(list.all[1].version, 2);
	ck_assert_int_eq(list.all[1].state, MIGRATION_PENDING);
	ck_assert_str_eq(list.all[1].applied_at, "");
}
END_TEST

static void
refused(const char *why)
{
	struct migration_list list;
	struct error e = {0};

	ck_assert_int_eq(migration_read_dir(arena, dir, &list, &e), -1);
	ck_assert_msg(strstr(e.detail, why) != NULL, "%s", e.detail);
}

START_TEST(test_refused)
{
	refused("there is no NNNN_name.sql");
	put("0002_b.sql", "b", 1);
	refused("no migration 0001 before 0002_b.sql");
	put("0001_a.sql", "", 0);
	refused("0001_a.sql is empty");
	put("0001_a.sql", "a\0b", 3);
	refused("holds a NUL");
	put("0001_a.sql", "a", 1);
	put("0001_aa.sql", "a", 1);
	refused("have the same number");
	put("0000_z.sql", "a", 1); /* there is no number zero: left alone */
	refused("have the same number");
	snprintf(dir + strlen(dir), 3, "/x");
	refused("can't open");
	dir[strlen(dir) - 2] = '\0';
}
END_TEST

TCase *
tcase_migrate(void)
{
	TCase *t = tcase_create("migrate");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_read);
	tcase_add_test(t, test_refused);
	return t;
}
