#include "lib/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/limits.h"
#include "lib/utf8.h"

#define LINE_BYTES 16384

static struct {
	const char *ident;
	enum log_level level;
	bool journal;
} state = {.ident = "siegel", .level = LOG_LEVEL_INFO};

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{"error", LOG_LEVEL_ERROR},
	{"warning", LOG_LEVEL_WARNING},
	{"notice", LOG_LEVEL_NOTICE},
	{"info", LOG_LEVEL_INFO},
	{"debug", LOG_LEVEL_DEBUG},
};

void
log_open(const char *ident, enum log_level level)
{
	state.ident = ident;
	state.level = level;
	state.journal = getenv("JOURNAL_STREAM") != NULL;
}

int
log_level_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (strcmp(name, levels[i].name) == 0)
			return (int)levels[i].level;
	}
	return -1;
}

static const char *
level_name(enum log_level level)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (level == levels[i].level)
			return levels[i].name;
	}
	return "error";
}

static void
add_escaped(struct buf *b, const char *value)
{
	const uint8_t *p = (const uint8_t *)value;
	size_t left = strnlen(value, LIMIT_LOG_VALUE + 1);
	bool cut = left > LIMIT_LOG_VALUE;

	if (cut)
		left = utf8_whole(value, LIMIT_LOG_VALUE);
	while (left > 0) {
		size_t n = utf8_printable(p, left);

		if (n == 0) {
			buf_printf(b, "\\x%02x", *p);
			n = 1;
		} else if (*p == '"' || *p == '\\') {
			buf_printf(b, "\\%c", *p);
		} else {
			buf_add(b, p, n);
		}
		p += n;
		left -= n;
	}
	if (cut)
		buf_add_str(b, "...");
}

static void
add_pair(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, " %s=", key);
	if (!value) {
		buf_add_byte(b, '-');
		return;
	}
	buf_add_byte(b, '"');
	add_escaped(b, value);
	buf_add_byte(b, '"');
}

/* The journal keeps time and level by itself; elsewhere they stand in the line. */
static void
start_line(struct buf *b, enum log_level level, const char *event)
{
	struct timespec now;
	struct tm tm;
	char text[32];

	if (state.journal) {
		buf_printf(b, "<%d>%s:", (int)level, state.ident);
	} else {
		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
		buf_printf(b, "time=\"%s.%03ldZ\" level=\"%s\" process=\"%s\" pid=\"%d\"", text, now.tv_nsec / 1000000,
		           level_name(level), state.ident, (int)getpid());
	}
	add_pair(b, "event", event);
}

/* One write for each line, so that lines of processes that share the descriptor don't mix. A log that can't be written is no
 * reason to stop issuing. */
static void
end_line(struct buf *b)
{
	buf_add_byte(b, '\n');
	if (b->overflow || write(STDERR_FILENO, b->data, b->len) < 0)
		return;
}

void
log_event(enum log_level level, const char *event, ...)
{
	BUF_CLEANUP struct buf b = BUF_INIT(LINE_BYTES);
	const char *key;
	va_list args;

	if (level > state.level)
		return;
	start_line(&b, level, event);
	va_start(args, event);
	while ((key = va_arg(args, const char *)) != NULL) {
		const char *value = va_arg(args, const char *);
		size_t before = b.len;

		/* Keep what fits when there are too many pairs, and leave room for the newline. */
		add_pair(&b, key, value);
		if (b.overflow || b.len >= LINE_BYTES) {
			b.len = before;
			b.overflow = false;
			break;
		}
	}
	va_end(args);
	end_line(&b);
}

void
log_error(enum log_level level, const char *event, const struct error *e)
{
	log_event(level, event, "code", error_name(e->code), "pointer", e->pointer[0] ? e->pointer : NULL, "detail", e->detail,
	          NULL);
}
