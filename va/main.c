/* siegel-va: answers OCSP. Reads the store, signs with delegated signers, has no door to the engine and writes nothing. */
#include <string.h>
#include <time.h>
#include "lib/daemon.h"
#include "lib/http/http.h"
#include "lib/limits.h"
#include "lib/seal.h"
#include "lib/sock.h"
#include "va/handler.h"
#include "va/signers.h"
#include "va/status.h"

/* The edge keeps few connections open to us, and verifiers are many only in front of it. */
#define MAX_CONNECTIONS 1024

static int64_t
now(void)
{
	return time(NULL);
}

static int
check(const struct config *c, struct error *e)
{
	const char *not_issued = config_str(c, OPT_va_not_issued), *by = config_str(c, OPT_va_responder_id);
	CLEANUP(secret_free) struct secret *key = NULL;

	if (strcmp(not_issued, "unknown") != 0 && strcmp(not_issued, "revoked") != 0)
		return fail(e, E_BAD_VALUE, "[va] not_issued is neither unknown nor revoked");
	if (strcmp(by, "key") != 0 && strcmp(by, "name") != 0)
		return fail(e, E_BAD_VALUE, "[va] responder_id is neither key nor name");
	if (*config_str(c, OPT_va_ocsp_key_file) == '\0')
		return fail(e, E_BAD_VALUE, "[va] ocsp_key_file isn't set");
	return seal_key_read(config_str(c, OPT_va_ocsp_key_file), &key, e);
}

static int
serve(const struct config *c, struct handler *h, struct error *e)
{
	struct http_options o = {
	    .threads = (int)config_int(c, OPT_va_threads),
	    .max_connections = MAX_CONNECTIONS,
	    .max_body_bytes = LIMIT_OCSP_REQUEST_BYTES,
	    .refuse = handler_refuse,
	    .handle = handler_handle,
	    .ctx = h,
	    .answers_later = true,
	};
	struct http_server *server;
	int fd;

	if (sock_listen(c, "va", 0666, &fd, e) < 0 || http_serve(fd, &o, &server, e) < 0)
		return -1;
	daemon_ready();
	daemon_wait();
	http_stop(server);
	return 0;
}

static int
run(const struct config *c, struct error *e)
{
	CLEANUP(signers_free) struct signers *signers = NULL;
	CLEANUP(status_free) struct status *status = NULL;
	CLEANUP(responder_free) struct responder *responder = NULL;
	CLEANUP(pool_free) struct pool *pool = NULL;
	struct responder_options o = {
	    .lookup = status_find,
	    .answer_sec = config_int(c, OPT_va_answer_sec),
	    .not_issued_revoked = strcmp(config_str(c, OPT_va_not_issued), "revoked") == 0,
	};
	struct handler h = {.cache_sec = config_int(c, OPT_va_cache_sec), .now = now};

	if (check(c, e) < 0 || signers_new(&signers, e) < 0 || signers_start(signers, c, e) < 0 || status_new(c, &status, e) < 0)
		return -1;
	o.signers = signers;
	o.lookup_ctx = status;
	if (responder_new(&o, &responder, e) < 0)
		return -1;
	h.responder = responder;
	if (pool_new((int)config_int(c, OPT_va_threads), handler_answer_waiting, &h, &pool, e) < 0)
		return -1;
	h.pool = pool;
	return serve(c, &h, e);
}

int
main(int argc, char **argv)
{
	static const struct daemon d = {.name = "va", .summary = "answer OCSP requests (RFC 6960)", .run = run, .check = check};

	return daemon_main(&d, argc, argv);
}
