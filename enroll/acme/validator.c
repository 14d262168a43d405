#include "enroll/acme/validator.h"

int
acme_validator_start(struct acme *s, struct acme_validator **ret, struct error *e)
{
	(void)s;
	(void)e;
	*ret = NULL;
	return 0;
}

void
acme_validator_stop(struct acme_validator *v)
{
	(void)v;
}

void
acme_validator_wake(struct acme_validator *v)
{
	(void)v;
}
