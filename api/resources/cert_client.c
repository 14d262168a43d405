/* Certificates of people and programs that sign in: made here, from a CSR or with a key made by the engine, and shown as a view of /certificates. */
#include "config.h"
#include "api/resources/certificate.h"

#include "api/issue.h"
#include "api/list.h"

static int
post(struct call *c, struct error *e)
{
	return issue_post(c, "client", e);
}

static const struct route routes[] = {
	{"GET", "/cert_client", RIGHT_READ, list_many},
	{"GET", "/cert_client/{id}", RIGHT_READ, list_one},
	{"POST", "/cert_client", RIGHT_ISSUE, post, .flags = ROUTE_CREATES, MEMBERS(issue_members)},
};

const struct resource resource_cert_client = {
	CERTIFICATE_VIEW("cert_client"),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
