/* Writes JSON text straight into a bounded buffer. Commas come by themselves. */
#ifndef SIEGEL_API_JSON_H
#define SIEGEL_API_JSON_H
#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"

struct json {
	struct buf out;
	bool comma; /* the next value needs one before it */
};

#define JSON_INIT(max_bytes) ((struct json){.out = BUF_INIT(max_bytes)})
void jw_free(struct json *j); /* wipes; usable as cleanup with JSON_CLEANUP */
#define JSON_CLEANUP __attribute__((cleanup(jw_free)))

/* name NULL: a value of an array, or the document itself. */
void jw_open(struct json *j, const char *name);  /* { */
void jw_close(struct json *j);                   /* } */
void jw_open_array(struct json *j, const char *name);
void jw_close_array(struct json *j);
void jw_text(struct json *j, const char *name, const char *value); /* UTF-8; NULL: null */
void jw_int(struct json *j, const char *name, int64_t value);
void jw_bool(struct json *j, const char *name, bool value);
void jw_null(struct json *j, const char *name);
void jw_raw(struct json *j, const char *name, const char *text); /* text is JSON already */
/* Seconds since 1970 as "2026-01-31T23:59:59Z". */
void jw_time(struct json *j, const char *name, int64_t seconds);

#endif
