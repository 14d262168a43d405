#include "ca/notes.h"

#include <stdio.h>
#include <string.h>

#include "lib/utf8.h"

void
notes_add(struct notes *notes, const Siegel__Requestor *q, const struct error *e, int64_t now_us)
{
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	if (now_us - notes->since_us > 1000000) {
		notes->since_us = now_us;
		notes->this_sec = 0;
	}
	if (!q || notes->n == NOTES_PER_SEC || notes->this_sec == NOTES_PER_SEC) {
		notes->suppressed++;
		return;
	}
	struct note *n = &notes->rows[notes->n++];
	notes->this_sec++;
	n->at_us = now_us;
	n->tenant_id = q->tenant_id;
	snprintf(n->actor, sizeof(n->actor), "%.40s:%.100s", q->source, q->name);
	snprintf(n->object, sizeof(n->object), "request/%.50s", q->request_id);
	snprintf(n->detail, sizeof(n->detail), "%s",
		 detail_text(a, "code", error_name(e->code), "field", e->pointer, "detail", e->detail, "suppressed",
			     arena_printf(a, "%zu", notes->suppressed), NULL));
	n->actor[utf8_whole(n->actor, strlen(n->actor))] = '\0';
	n->object[utf8_whole(n->object, strlen(n->object))] = '\0';
	n->detail[utf8_whole(n->detail, strlen(n->detail))] = '\0';
	notes->suppressed = 0;
}
