/* What the kernel says of the machine that this process runs on. Nothing here waits. */
#ifndef SIEGEL_API_MACHINE_H
#define SIEGEL_API_MACHINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The processes of one of our programs that run with the same arguments as this one: those of the same instance. */
struct machine_service {
	char name[32];     /* "siegel-est" */
	int n;             /* processes; 0: none */
	int64_t since;     /* seconds since 1970: when the oldest was started */
	int64_t rss_bytes; /* memory of all of them that is in use; pages that they share count for each */
};
/* Fills in the services by their names. False when the kernel hides the processes of others (proc(5), hidepid), so that none that is found says
 * nothing. */
bool machine_services(struct machine_service *services, size_t n);

struct machine_cpu {
	int processors;
	double load[3];         /* 1, 5 and 15 minutes, proc_loadavg(5) */
	uint64_t busy, all;     /* ticks since the start, of all processors, proc_stat(5) */
};
struct machine_memory {
	int64_t bytes, available_bytes, swap_bytes, swap_free_bytes; /* proc_meminfo(5) */
};
struct machine_clock {
	bool synchronized;  /* something keeps the clock right, adjtimex(2) */
	int64_t error_us;   /* the most that it is wrong by, when it is */
};
struct machine_disk {
	uint64_t id;        /* of the file system: the same for two folders on the same one */
	int64_t bytes, free_bytes; /* free for others than root */
};
/* Each gives -1 when the kernel doesn't say. */
int machine_cpu(struct machine_cpu *ret);
int machine_memory(struct machine_memory *ret);
int machine_clock(struct machine_clock *ret);
int machine_disk(const char *path, struct machine_disk *ret);
/* Seconds since the machine was started; 0: unknown. */
int64_t machine_uptime_sec(void);

/* The value in bytes of a line "MemTotal:  16280000 kB" of proc_meminfo(5); -1 when there is none. */
int64_t machine_meminfo(const char *text, const char *name);
/* From the text of proc_pid_stat(5), whose second field may have anything in it: state, start in ticks since the machine was started, and pages in
 * memory. -1 when it isn't one. */
int machine_stat(const char *text, char *ret_state, uint64_t *ret_start_ticks, int64_t *ret_pages);

#endif
