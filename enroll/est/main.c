/* siegel-est: EST behind the edge, on est.sock. */
#include "enroll/est/est.h"
#include "lib/daemon.h"
#include "lib/limits.h"

static int
run(const struct config *c, struct error *e)
{
	struct est *est = NULL;
	if (est_open(c, &est, e) < 0)
		return -1;
	struct http_options options = {
	    .max_connections = (int)config_int(c, OPT_est_connections),
	    .max_body_bytes = LIMIT_BODY_BYTES,
	    .refuse = est_refuse,
	    .handle = est_handle,
	    .ctx = est,
	};
	int result = enroll_serve(c, "est", &options, e);
	est_close(est);
	return result;
}

int
main(int argc, char **argv)
{
	static const struct daemon est = {
	    .name = "est",
	    .summary = "EST (RFC 7030): certificates for devices over HTTPS",
	    .run = run,
	};
	return daemon_main(&est, argc, argv);
}
