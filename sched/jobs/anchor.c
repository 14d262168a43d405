/* The heads of the audit chains, kept outside the database: a chain says what was changed within it, an anchor says that rows
 * were cut off its end or that the whole database was set back. */
#include "config.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "lib/log.h"
#include "sched/jobs.h"

#define ANCHOR_BYTES (1024 * 1024) /* 128 chains are 12 KiB */

/* Goes from chain to chain in the index: the table has a few chains and millions of rows. */
static const char sql[] =
    "WITH RECURSIVE c AS (SELECT min(chain) AS chain FROM audit "
    "  UNION ALL SELECT (SELECT min(a.chain) FROM audit a WHERE a.chain > c.chain) FROM c WHERE c.chain IS NOT NULL) "
    "SELECT c.chain, h.seq, encode(h.hash, 'hex') FROM c CROSS JOIN LATERAL "
    "  (SELECT a.seq, a.hash FROM audit a WHERE a.chain = c.chain ORDER BY a.seq DESC LIMIT 1) h "
    " WHERE c.chain IS NOT NULL ORDER BY c.chain";

static int
append(const char *path, const struct buf *lines, struct error *e)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fail(e, E_UNAVAILABLE, "can't open the anchor file: %s", strerror(errno));
	/* One write, so that lines of two writers never mix. */
	ssize_t n = write(fd, lines->data, lines->len);
	int fault = n < 0 ? errno : (size_t)n != lines->len ? ENOSPC
	                        : fsync(fd) < 0             ? errno
	                                                    : 0;
	close(fd);
	if (fault)
		return fail(e, E_UNAVAILABLE, "can't append to the anchor file: %s", strerror(fault));
	return 0;
}

/* The same heads once more in the log, as one digest: the log may be kept on another machine. */
static void
log_heads(const uint8_t digest[ANCHOR_DIGEST_BYTES], int chains)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * ANCHOR_DIGEST_BYTES + 1], count[24];

	for (size_t i = 0; i < ANCHOR_DIGEST_BYTES; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[2 * ANCHOR_DIGEST_BYTES] = '\0';
	log_event(LOG_LEVEL_INFO, "audit anchored", "chains", db_int_text(count, chains), "sha256", hex, NULL);
}

static int
run(struct sched *s, struct error *e)
{
	CLEANUP(db_result_free)
	struct db_result *r = NULL;
	BUF_CLEANUP struct buf heads = BUF_INIT(ANCHOR_BYTES), lines = BUF_INIT(ANCHOR_BYTES);
	const char *path = config_str(s->config, OPT_sched_anchor_file);
	uint8_t digest[ANCHOR_DIGEST_BYTES];
	int64_t now = time(NULL);

	if (db_query(s->db, sql, NULL, 0, false, &r, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++) {
		buf_printf(&heads, "%s %s %s\n", db_text(r, i, 0), db_text(r, i, 1), db_text(r, i, 2));
		buf_printf(&lines, "%" PRId64 " %s %s %s\n", now, db_text(r, i, 0), db_text(r, i, 1), db_text(r, i, 2));
	}
	if (buf_check(&lines, e) < 0)
		return -1;
	if (EVP_Digest(heads.data, heads.len, digest, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "SHA-256 isn't available");
	/* Nothing was written since the last anchor. */
	if (lines.len == 0 || memcmp(digest, s->anchored, sizeof(digest)) == 0)
		return 0;
	if (path[0] && append(path, &lines, e) < 0)
		return -1;
	memcpy(s->anchored, digest, sizeof(digest));
	log_heads(digest, db_rows(r));
	return 0;
}

const struct job job_anchor = {.name = "anchor", .period_sec = OPT_sched_anchor_sec, .run = run};
