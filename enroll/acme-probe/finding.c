/* What a task found, in words: steps, and what is wrong. Whoever was asked may have sent anything; it is shown escaped and cut. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "enroll/acme-probe/task.h"

enum { QUOTE_BYTES = 160, DETAIL_BYTES = 1000 };

/* Printable ASCII as it is, the rest as \xNN, in room bytes with the NUL; what doesn't go in is cut, with dots. */
static void
escape(const uint8_t *data, size_t len, char *to, size_t room)
{
	size_t at = 0;
	for (size_t i = 0; i < len; i++) {
		bool plain = data[i] >= ' ' && data[i] < 0x7f;
		if (at + (plain ? 1 : 4) + 4 > room) {
			at += (size_t)snprintf(to + at, room - at, "...");
			break;
		}
		if (plain)
			to[at++] = (char)data[i];
		else
			at += (size_t)snprintf(to + at, room - at, "\\x%02x", data[i]);
	}
	to[at] = '\0';
}

const char *
task_quote(struct task *t, const void *data, size_t len)
{
	char text[QUOTE_BYTES];
	escape(data, len, text, sizeof(text));
	return arena_strdup(t->arena, text);
}

__attribute__((format(printf, 3, 0))) static char *
line(struct task *t, size_t room, const char *fmt, va_list args)
{
	char raw[DETAIL_BYTES + 200], text[DETAIL_BYTES];
	vsnprintf(raw, sizeof(raw), fmt, args);
	escape((const uint8_t *)raw, strlen(raw), text, room < sizeof(text) ? room : sizeof(text));
	return arena_strdup(t->arena, text);
}

void
task_step(struct task *t, const char *fmt, ...)
{
	va_list args;
	if (t->n_steps == LIMIT_PROBE_STEPS)
		return;
	if (t->n_steps == LIMIT_PROBE_STEPS - 1) {
		t->steps[t->n_steps++] = arena_strdup(t->arena, "and more");
		return;
	}
	va_start(args, fmt);
	t->steps[t->n_steps++] = line(t, LIMIT_PROBE_STEP_BYTES, fmt, args);
	va_end(args);
}

void
task_alias(struct task *t, const char *name, const char *canonical)
{
	size_t len = strlen(canonical);
	len -= len > 0 && canonical[len - 1] == '.';
	if (len != strlen(name) || strncasecmp(name, canonical, len) != 0)
		task_step(t, "%s is another name of %s", name, task_quote(t, canonical, len));
}

__attribute__((format(printf, 4, 0))) static int
found_wrong(struct task *t, const char *problem, bool temporary, const char *fmt, va_list args)
{
	if (t->problem)
		return -1;
	t->problem = problem;
	t->temporary = temporary;
	t->detail = line(t, DETAIL_BYTES, fmt, args);
	return -1;
}

int
task_fail(struct task *t, const char *problem, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int rc = found_wrong(t, problem, false, fmt, args);
	va_end(args);
	return rc;
}

int
task_fail_now(struct task *t, const char *problem, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int rc = found_wrong(t, problem, true, fmt, args);
	va_end(args);
	return rc;
}

void
task_hide(struct task *t, const char *problem, const char *fmt, ...)
{
	va_list args;
	if (t->problem)
		task_step(t, "%s: %s", t->problem, t->detail);
	t->problem = NULL;
	va_start(args, fmt);
	(void)found_wrong(t, problem, false, fmt, args);
	va_end(args);
}
