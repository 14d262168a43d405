/* proc(5), statvfs(3), adjtimex(2). */
#include "config.h"
#include "api/machine.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define TEXT_BYTES 16384

/* What the kernel writes comes whole in a few reads. The text ends in a zero; its length, or -1. */
static ssize_t
read_text(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	while (have + 1 < size && (n = read(fd, ret + have, size - 1 - have)) > 0)
		have += (size_t)n;
	close(fd);
	ret[have] = '\0';
	return (ssize_t)have;
}

int64_t
machine_meminfo(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			return (int64_t)strtoll(line + len + 1, NULL, 10) * 1024;
	return -1;
}

int
machine_stat(const char *text, char *ret_state, uint64_t *ret_start_ticks, int64_t *ret_pages)
{
	/* The name stands in parentheses, and may have some itself: the last one ends it. State is field 3, starttime 22, rss 24. */
	const char *p = strrchr(text, ')');

	if (!p || sscanf(p, ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %*s %" SCNd64, ret_state,
	                 ret_start_ticks, ret_pages) != 3)
		return -1;
	return 0;
}

/* When the machine was started, by its clock now. */
static int64_t
started_at(void)
{
	struct timespec real, boot;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return real.tv_sec - boot.tv_sec;
}

int64_t
machine_uptime_sec(void)
{
	struct timespec boot;

	return clock_gettime(CLOCK_BOOTTIME, &boot) == 0 ? boot.tv_sec : 0;
}

/* The name of the program and its arguments, each ended by a zero, in a command line of so many octets. */
static const char *
arguments(const char *line, size_t len, const char **ret_name)
{
	const char *end = memchr(line, '\0', len), *slash;

	if (!end)
		return NULL;
	slash = strrchr(line, '/');
	*ret_name = slash ? slash + 1 : line;
	return end + 1;
}

static void
add_process(struct machine_service *s, const char *pid)
{
	char path[64], text[1024], state;
	uint64_t ticks;
	int64_t pages, since;

	snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
	if (read_text(path, text, sizeof text) < 0 || machine_stat(text, &state, &ticks, &pages) || state == 'Z')
		return;
	since = started_at() + (int64_t)(ticks / (uint64_t)sysconf(_SC_CLK_TCK));
	s->since = s->n == 0 || since < s->since ? since : s->since;
	s->rss_bytes += pages * sysconf(_SC_PAGESIZE);
	s->n++;
}

bool
machine_services(struct machine_service *services, size_t n)
{
	static char own[TEXT_BYTES], line[TEXT_BYTES]; /* one thread at a time: the caller holds a lock */
	const char *own_name = "", *own_rest, *name, *rest;
	ssize_t own_len = read_text("/proc/self/cmdline", own, sizeof own), len;
	bool hidden = access("/proc/1/stat", R_OK) != 0;
	struct dirent *entry;
	DIR *proc;

	own_rest = own_len > 0 ? arguments(own, (size_t)own_len, &own_name) : NULL;
	proc = own_rest ? opendir("/proc") : NULL;
	if (!proc)
		return false;
	while ((entry = readdir(proc)) != NULL) {
		char path[64];

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof path, "/proc/%.20s/cmdline", entry->d_name);
		len = read_text(path, line, sizeof line);
		rest = len > 0 ? arguments(line, (size_t)len, &name) : NULL;
		if (!rest || len - (rest - line) != own_len - (own_rest - own) || memcmp(rest, own_rest, (size_t)(len - (rest - line))) != 0)
			continue;
		for (size_t i = 0; i < n; i++)
			if (strcmp(services[i].name, name) == 0)
				add_process(&services[i], entry->d_name);
	}
	closedir(proc);
	return !hidden;
}

int
machine_cpu(struct machine_cpu *ret)
{
	char text[TEXT_BYTES];
	uint64_t t[8] = {0};

	*ret = (struct machine_cpu){.processors = (int)sysconf(_SC_NPROCESSORS_ONLN)};
	if (read_text("/proc/loadavg", text, sizeof text) < 0 || sscanf(text, "%lf %lf %lf", &ret->load[0], &ret->load[1], &ret->load[2]) != 3)
		return -1;
	/* user, nice, system, idle, iowait, irq, softirq, steal */
	if (read_text("/proc/stat", text, sizeof text) < 0 ||
	    sscanf(text, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &t[0], &t[1], &t[2],
	           &t[3], &t[4], &t[5], &t[6], &t[7]) < 4)
		return -1;
	for (int i = 0; i < 8; i++)
		ret->all += t[i];
	ret->busy = ret->all - t[3] - t[4];
	return 0;
}

int
machine_memory(struct machine_memory *ret)
{
	char text[TEXT_BYTES];

	if (read_text("/proc/meminfo", text, sizeof text) < 0)
		return -1;
	ret->bytes = machine_meminfo(text, "MemTotal");
	ret->available_bytes = machine_meminfo(text, "MemAvailable");
	ret->swap_bytes = machine_meminfo(text, "SwapTotal");
	ret->swap_free_bytes = machine_meminfo(text, "SwapFree");
	return ret->bytes > 0 && ret->available_bytes >= 0 ? 0 : -1;
}

int
machine_clock(struct machine_clock *ret)
{
	struct timex t = {0}; /* no modes: it only looks */
	int state = adjtimex(&t);

	if (state < 0)
		return -1;
	ret->synchronized = state != TIME_ERROR && !(t.status & STA_UNSYNC);
	ret->error_us = t.maxerror;
	return 0;
}

int
machine_disk(const char *path, struct machine_disk *ret)
{
	struct statvfs v;

	if (statvfs(path, &v) < 0)
		return -1;
	*ret = (struct machine_disk){
		.id = v.f_fsid,
		.bytes = (int64_t)(v.f_blocks * v.f_frsize),
		.free_bytes = (int64_t)(v.f_bavail * v.f_frsize),
	};
	return 0;
}
