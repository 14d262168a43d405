/* Whether the house can work: for monitoring and load balancers, without login and so without detail. The look is taken at most once
 * a second, so that asking costs nothing behind us. */
#include "config.h"
#include "api/api.h"

#include <time.h>

#include "api/jsonapi.h"

#define FRESH_MS 1000

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool
store_works(struct call *c)
{
	struct error e;

	return call_db(c, &e) == 0 && db_query(c->db, "SELECT 1", NULL, 0, false, NULL, &e) == 0;
}

static bool
engine_works(struct call *c)
{
	Siegel__Status status = SIEGEL__STATUS__INIT;
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Reply *reply = NULL;
	struct error e;
	bool works;

	request.operation_case = SIEGEL__REQUEST__OPERATION_STATUS;
	request.status = &status;
	if (engine_call(call_engine(c), &request, &reply, &e))
		return false;
	works = reply->result_case == SIEGEL__REPLY__RESULT_STATUS && reply->status->workers > 0 && reply->status->key_store &&
	        reply->status->store;
	engine_reply_free(reply);
	return works;
}

/* Looks anew when the last look is stale and nobody is at it: who waits for a hanging engine is one thread, not all. */
static void
look(struct call *c, bool *ret_store, bool *ret_engine)
{
	struct api *api = c->api;
	bool mine, store, engine;

	pthread_mutex_lock(&api->health_lock);
	mine = !api->health_looking && (api->health_at_ms == 0 || now_ms() - api->health_at_ms >= FRESH_MS);
	if (mine)
		api->health_looking = true;
	store = api->health_store;
	engine = api->health_engine;
	pthread_mutex_unlock(&api->health_lock);
	if (mine) {
		store = store_works(c);
		call_release_db(c);
		engine = engine_works(c);
		pthread_mutex_lock(&api->health_lock);
		api->health_store = store;
		api->health_engine = engine;
		api->health_at_ms = now_ms();
		api->health_looking = false;
		pthread_mutex_unlock(&api->health_lock);
	}
	*ret_store = store;
	*ret_engine = engine;
}

static int
get(struct call *c, struct error *e)
{
	JSON_CLEANUP struct json j = JSON_INIT(4096);
	bool store, engine;

	look(c, &store, &engine);
	jsonapi_begin(&j);
	jw_open(&j, "data");
	jw_text(&j, "type", "health");
	jw_text(&j, "id", config_str(c->api->config, OPT_instance_name));
	jw_open(&j, "attributes");
	jw_text(&j, "status", store && engine ? "ok" : "failed");
	jw_text(&j, "store", store ? "ok" : "failed");
	jw_text(&j, "engine", engine ? "ok" : "failed");
	jw_close(&j);
	jw_open(&j, "links");
	jw_text(&j, "self", call_link(c, "health", NULL));
	jw_close(&j);
	jw_close(&j);
	jw_close(&j);
	http_answer_header(c->answer, "Cache-Control", "no-store");
	return call_answer(c, store && engine ? 200 : 503, &j, e);
}

/* For the description. */
static const struct attribute attributes[] = {
	{"status", NULL, ATTRIBUTE_TEXT, 0, "whether all of it works", .values = "ok failed"},
	{"store", NULL, ATTRIBUTE_TEXT, 0, "the database", .values = "ok failed"},
	{"engine", NULL, ATTRIBUTE_TEXT, 0, "what signs", .values = "ok failed"},
};

static const struct route routes[] = {{"GET", "/health", RIGHT_PUBLIC, get, .text = "whether the house can work"}};

const struct resource resource_health = {
	.path = "health",
	.types = {"health"},
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
