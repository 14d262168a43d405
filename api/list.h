/* GET of a collection and of one resource, from the resource's table alone. */
#ifndef SIEGEL_API_LIST_H
#define SIEGEL_API_LIST_H
#include "api/api.h"

/* Handlers of routes. */
int list_many(struct call *c, struct error *e) MUST_CHECK;
int list_one(struct call *c, struct error *e) MUST_CHECK;

#endif
