/* include=…: the compound document of JSON:API 1.1. */
#ifndef SIEGEL_API_INCLUDE_H
#define SIEGEL_API_INCLUDE_H
#include "api/list.h"

/* Writes "included" when the query asks for it: what the relationships of the first n rows point at, each once, and none that is among the
 * rows. One statement for each collection. E_FORBIDDEN when the account may not look at that collection. */
int include_write(struct call *c, struct json *j, const struct db_result *r, int n, const struct query *q, struct arena *scratch,
                  struct error *e) MUST_CHECK;

#endif
