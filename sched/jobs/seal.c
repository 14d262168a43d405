/* Seals on the audit log: the engine signs the heads of all chains; the seal stands in the store, and in the anchor file outside of it, behind the
 * heads that it is for. */
#include "config.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "lib/log.h"
#include "sched/jobs.h"

#define SEAL_BYTES (1024 * 1024)

/* "# heads <microseconds>", "<unix seconds> <chain> <seq> <hash>" for each head, and "# seal <microseconds> <signature, hexadecimal>". */
static void
put_lines(struct buf *out, const Siegel__Sealed *s)
{
	buf_printf(out, "# heads %" PRId64 "\n", s->at_us);
	for (const char *p = s->heads; *p;) {
		size_t len = strcspn(p, "\n");
		buf_printf(out, "%" PRId64 " %.*s\n", s->at_us / 1000000, (int)len, p);
		p += len + (p[len] == '\n');
	}
	buf_printf(out, "# seal %" PRId64 " ", s->at_us);
	for (size_t i = 0; i < s->signature.len; i++)
		buf_printf(out, "%02x", s->signature.data[i]);
	buf_add_byte(out, '\n');
}

static int
append(const char *path, const struct buf *lines, struct error *e)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fail(e, E_UNAVAILABLE, "can't open the anchor file: %s", strerror(errno));
	/* One write, so that lines of two writers never mix. */
	bool done = write(fd, lines->data, lines->len) == (ssize_t)lines->len && fsync(fd) == 0;
	done = close(fd) == 0 && done;
	return done ? 0 : fail(e, E_UNAVAILABLE, "can't append to the anchor file");
}

static int
run(struct sched *s, struct error *e)
{
	Siegel__Seal seal = SIEGEL__SEAL__INIT;
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Reply *reply = NULL;
	BUF_CLEANUP struct buf lines = BUF_INIT(SEAL_BYTES);
	const char *path = config_str(s->config, OPT_sched_anchor_file);
	char id[24];
	int rc = 0;

	request.operation_case = SIEGEL__REQUEST__OPERATION_SEAL;
	request.seal = &seal;
	if (engine_call(s->engine, &request, &reply, e) < 0)
		return -1;
	if (reply->result_case != SIEGEL__REPLY__RESULT_SEALED)
		rc = fail(e, E_INTERNAL, "the engine answered something else");
	if (rc == 0)
		put_lines(&lines, reply->sealed);
	if (rc == 0)
		rc = buf_check(&lines, e);
	if (rc == 0 && path[0])
		rc = append(path, &lines, e);
	if (rc == 0)
		log_event(LOG_LEVEL_INFO, "audit sealed", "seal", db_int_text(id, reply->sealed->id), NULL);
	engine_reply_free(reply);
	return rc;
}

const struct job job_seal = {.name = "seal", .period_sec = OPT_sched_seal_sec, .run = run};
