#include "enroll/acme/rate_limit.h"
#include "lib/text.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#define WAIT_MOST_SEC 3600 /* of what ends when the client does something about it */

struct acme_limits
acme_limits_of(const struct acme_exchange *x)
{
	return (struct acme_limits){
	    .accounts = acme_setting(&x->endpoint, ACME_SETTING_accounts_per_hour),
	    .orders = acme_setting(&x->endpoint, ACME_SETTING_orders_per_hour),
	    .failures = acme_setting(&x->endpoint, ACME_SETTING_failures_per_hour),
	    .pending = acme_setting(&x->endpoint, ACME_SETTING_pending_authz),
	};
}

const char *
acme_limit_address(struct arena *a, const char *client)
{
	struct in6_addr v6;
	char text[INET6_ADDRSTRLEN];
	if (inet_pton(AF_INET6, client, &v6) != 1)
		return client;
	if (IN6_IS_ADDR_V4MAPPED(&v6))
		return inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof(text)) ? arena_strdup(a, text) : client;
	memset(v6.s6_addr + 8, 0, 8);
	return inet_ntop(AF_INET6, &v6, text, sizeof(text)) ? arena_printf(a, "%s/64", text) : client;
}

int
acme_limit_refuse(struct acme_exchange *x, const char *found, const char *identifier, int64_t wait_sec, struct error *e)
{
	const struct acme_limits most = acme_limits_of(x);
	char at[TIME_TEXT_BYTES];
	time_text(time(NULL) + wait_sec, at);
	if (strcmp(found, "accounts") == 0)
		(void)fail(e, E_TOO_MANY, "accounts_per_hour: %lld new accounts from one address were made within an hour, which ends at %s",
		           (long long)most.accounts, at);
	else if (strcmp(found, "orders") == 0)
		(void)fail(e, E_TOO_MANY,
		           "orders_per_hour: the account made %lld new orders and authorizations in advance within an hour, which ends at %s",
		           (long long)most.orders, at);
	else if (strcmp(found, "authz") == 0)
		(void)fail(e, E_TOO_MANY,
		           "orders_per_hour: with these the account would have made over %lld new authorizations, ten for each order, within an hour,"
		           " which ends at %s",
		           10 * (long long)most.orders, at);
	else if (strcmp(found, "failures") == 0)
		(void)fail(e, E_TOO_MANY, "failures_per_hour: %lld validations of %.100s failed for the account within an hour, which ends at %s",
		           (long long)most.failures, identifier, at);
	else if (strcmp(found, "pending") == 0)
		(void)fail(
		    e, E_TOO_MANY,
		    "pending_authz: the account would have over %lld pending authorizations: complete or deactivate some; the next runs out at %s",
		    (long long)most.pending, at);
	else
		return 0;
	if (strcmp(found, "pending") == 0 && wait_sec > WAIT_MOST_SEC)
		wait_sec = WAIT_MOST_SEC;
	e->retry_after_sec = (unsigned)wait_sec;
	return -1;
}
