#include <string.h>
#include "enroll/common.h"
#include "lib/http/http.h"

#define TRY_AGAIN_SEC 5 /* when nothing says how long it takes */

void
enroll_refuse(struct http_request *r, const struct error *e, struct http_answer *a)
{
	a->status = error_http_status(e->code);
	a->content_type = "text/plain; charset=utf-8";
	a->body = BYTES_STR(arena_printf(r->arena, "%s: %s\n", error_title(e->code), e->detail));
	unsigned wait_sec = e->retry_after_sec || a->status != 503 ? e->retry_after_sec : TRY_AGAIN_SEC;
	if (wait_sec)
		http_answer_header(a, "Retry-After", arena_printf(r->arena, "%u", wait_sec));
}
