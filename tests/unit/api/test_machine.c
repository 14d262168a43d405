/* What the kernel says of the machine: its texts, and what it says of ourselves. */
#include "config.h"
#include "api/machine.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/unit/api/suites.h"

START_TEST(meminfo_is_read)
{
	const char *text = "MemTotal:       16280000 kB\nMemFree:          100 kB\nMemAvailable:    8140000 kB\n";

	ck_assert_int_eq(machine_meminfo(text, "MemTotal"), (int64_t)16280000 * 1024);
	ck_assert_int_eq(machine_meminfo(text, "MemAvailable"), (int64_t)8140000 * 1024);
	ck_assert_int_eq(machine_meminfo(text, "Mem"), -1);
	ck_assert_int_eq(machine_meminfo(text, "SwapTotal"), -1);
	ck_assert_int_eq(machine_meminfo("", "MemTotal"), -1);
}
END_TEST

/* The name of a process may have anything in it. */
START_TEST(stat_is_read_behind_the_name)
{
	char state;
	uint64_t start;
	int64_t pages;

	ck_assert_int_eq(machine_stat("7 (a) R 1) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 99 22", &state, &start, &pages), 0);
	ck_assert_int_eq(state, 'S');
	ck_assert_uint_eq(start, 4711);
	ck_assert_int_eq(pages, 99);
	ck_assert_int_eq(machine_stat("7 (cut) S 1 2", &state, &start, &pages), -1);
	ck_assert_int_eq(machine_stat("nothing", &state, &start, &pages), -1);
	ck_assert_int_eq(machine_stat("", &state, &start, &pages), -1);
}
END_TEST

/* This process is one of its own name with its own arguments; nothing else is. */
START_TEST(services_are_those_with_our_arguments)
{
	char name[4096] = "";
	struct machine_service s[2] = {{.name = "siegel-none"}};
	ssize_t n = readlink("/proc/self/exe", name, sizeof name - 1);

	ck_assert_int_gt(n, 0);
	snprintf(s[1].name, sizeof s[1].name, "%.31s", strrchr(name, '/') + 1);
	(void)machine_services(s, 2);
	ck_assert_int_eq(s[0].n, 0);
	ck_assert_int_ge(s[1].n, 1);
	ck_assert_int_gt(s[1].since, 1700000000);
	ck_assert_int_gt(s[1].rss_bytes, 4096);
}
END_TEST

START_TEST(the_kernel_answers)
{
	struct machine_cpu cpu;
	struct machine_memory memory;
	struct machine_disk disk;

	ck_assert_int_eq(machine_cpu(&cpu), 0);
	ck_assert_int_ge(cpu.processors, 1);
	ck_assert_uint_le(cpu.busy, cpu.all);
	ck_assert_int_eq(machine_memory(&memory), 0);
	ck_assert_int_le(memory.available_bytes, memory.bytes);
	ck_assert_int_eq(machine_disk("/", &disk), 0);
	ck_assert_int_le(disk.free_bytes, disk.bytes);
	ck_assert_int_eq(machine_disk("/no/such/folder", &disk), -1);
	ck_assert_int_gt(machine_uptime_sec(), 0);
}
END_TEST

TCase *
tcase_machine(void)
{
	TCase *t = tcase_create("machine");

	tcase_add_test(t, meminfo_is_read);
	tcase_add_test(t, stat_is_read_behind_the_name);
	tcase_add_test(t, services_are_those_with_our_arguments);
	tcase_add_test(t, the_kernel_answers);
	return t;
}
