/* From a request to the handler of its route. */
#ifndef SIEGEL_API_ROUTER_H
#define SIEGEL_API_ROUTER_H
#include "api/api.h"

/* An http_handler; ctx is the struct api. */
void router_handle(void *ctx, struct http_request *r, struct http_answer *a);
/* What a body may be before it is read (struct http_options): a long one only where the route takes octets, from who may send them. */
int router_admit(void *ctx, struct http_request *r, size_t *ret_max_bytes, struct error *e) MUST_CHECK;
/* The guard's refusals as JSON:API errors. */
void router_refuse(struct http_request *r, const struct error *e, struct http_answer *a);
/* Finds the route of a path behind API_PREFIX. E_NOT_FOUND, or E_BAD_METHOD with the methods that there are in allow
 * (at least 64 bytes). The id goes to the arena. */
int router_find(struct arena *a, const char *method, const char *path, const struct resource **ret_resource,
                const struct route **ret_route, const char **ret_id, char *allow, struct error *e) MUST_CHECK;
/* All routes as JSON, for tests that go through them. */
void router_print(void);

/* Prints the description of the API in OpenAPI, as GET /openapi.json gives it, for whoever generates clients from it. */
void openapi_print(void);

#endif
