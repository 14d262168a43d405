/* siegel-api: the REST API, JSON:API 1.1. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/cursor.h"
#include "api/jsonapi.h"
#include "api/router.h"
#include "api/token_cache.h"
#include "api/token_store.h"
#include "lib/daemon.h"
#include "lib/limits.h"
#include "lib/sock.h"

static void
free_engine(void *en)
{
	engine_free(en);
}

/* Only the edge and the local command line belong on the socket: what comes in on it has the client's certificate in a header. */
#define SOCKET_MODE 0660

static int
serve(struct api *api, struct error *e)
{
	uid_t edge;
	struct http_options options = {
		.threads = 0,
		.max_connections = (int)config_int(api->config, OPT_api_connections),
		.max_body_bytes = LIMIT_BODY_BYTES,
		.refuse = router_refuse,
		.handle = router_handle,
		.admit = router_admit,
		.max_raw_bytes = LIMIT_RAW_BODY_BYTES,
		.edge = &edge,
		.ctx = api,
	};
	struct http_server *server;
	int fd;

	if (sock_user(config_str(api->config, OPT_peers_edge), &edge, e) || sock_listen(api->config, "api", SOCKET_MODE, &fd, e) ||
	    http_serve(fd, &options, &server, e))
		return -1;
	daemon_ready();
	daemon_wait();
	http_stop(server);
	return 0;
}

static int
run(const struct config *c, struct error *e)
{
	struct api api = {
		.config = c,
		.base_url = config_str(c, OPT_api_base_url),
		.token_lock = PTHREAD_MUTEX_INITIALIZER,
		.health_lock = PTHREAD_MUTEX_INITIALIZER,
		.export_lock = PTHREAD_MUTEX_INITIALIZER,
	};
	int result;

	jsonapi_init();
	if (pthread_key_create(&api.engine_key, free_engine) || pthread_key_create(&api.manager_key, free_engine) ||
	    pthread_key_create(&api.login_key, free_engine))
		return fail(e, E_INTERNAL, "no thread key");
	if (cursor_key_load(c, api.cursor_key, e) ||
	    db_pool_new(c, "siegel_api", (int)config_int(c, OPT_api_database_connections), &api.pool, e) ||
	    db_pool_new(c, "siegel_api", (int)config_int(c, OPT_api_list_connections), &api.lists, e))
		return -1;
	if (token_cache_start(c, e) || db_tally_start(c, "siegel_api", &api.refusals, e))
		return -1;
	result = serve(&api, e);
	if (result == 0) /* stopped on request: the listener ends too */
		token_cache_stop();
	db_tally_stop(api.refusals);
	token_store_close(&api);
	db_pool_free(api.pool);
	db_pool_free(api.lists);
	return result;
}

/* Links are made by putting a path behind it. */
static int
check(const struct config *c, struct error *e)
{
	const char *url = config_str(c, OPT_api_base_url);
	size_t len = strlen(url);

	if (len > 0 && ((strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) || url[len - 1] == '/'))
		return fail(e, E_BAD_VALUE, "[api] base_url has to begin with https:// and to end without a slash");
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct daemon d = {
		.name = "api",
		.summary = "REST API of the house, JSON:API 1.1",
		.run = run,
		.check = check,
	};

	if (argc == 2 && strcmp(argv[1], "--routes") == 0) {
		router_print();
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--openapi") == 0) {
		openapi_print();
		return 0;
	}
	return daemon_main(&d, argc, argv);
}
