/* siegel-scep: SCEP behind the edge, on scep.sock. */
#include "enroll/scep/scep.h"
#include "lib/daemon.h"
#include "lib/limits.h"

static int
run(const struct config *c, struct error *e)
{
	struct scep *scep = NULL;
	if (scep_open(c, &scep, e) < 0)
		return -1;
	struct http_options options = {
	    .max_connections = (int)config_int(c, OPT_scep_connections),
	    .max_body_bytes = LIMIT_BODY_BYTES,
	    .refuse = enroll_refuse,
	    .handle = scep_handle,
	    .ctx = scep,
	    .drops_line_ends = true,
	};
	int result = enroll_serve(c, "scep", &options, e);
	scep_close(scep);
	return result;
}

int
main(int argc, char **argv)
{
	static const struct daemon scep = {
	    .name = "scep",
	    .summary = "SCEP (RFC 8894): certificates for devices over HTTP",
	    .run = run,
	};
	return daemon_main(&scep, argc, argv);
}
