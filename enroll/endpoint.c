#include "enroll/endpoint.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/limits.h"
#include "lib/text.h"
#include "lib/x509/pem.h"

enum {
	PLACES = 256,    /* a label has one place, by its hash; two that share one take turns */
	KEEP_MS = 1000,  /* when the store's word is lost, a change counts after that */
	NAME_BYTES = 8 + ENDPOINT_LABEL_MAX,
};

struct place {
	char name[NAME_BYTES]; /* "est/label"; "": empty */
	int64_t until_ms;
	struct arena *arena;   /* of what is kept; NULL: there is no such door */
	struct endpoint kept;
};

struct endpoints {
	pthread_mutex_t lock;
	struct place places[PLACES];
	bool heard;          /* the store tells of changes: only then is anything kept */
	unsigned generation; /* counts changes: what was asked before one isn't kept after it */
};

DEFINE_CLEANUP(json_t, json_decref)

bool
endpoint_label_valid(const char *label)
{
	size_t len = strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789._-");
	return len > 0 && len <= ENDPOINT_LABEL_MAX && label[len] == '\0' && !strchr("._-", label[0]);
}

static int64_t
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
endpoints_changed(struct endpoints *p, bool heard)
{
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < PLACES; i++) {
		arena_free(p->places[i].arena);
		p->places[i] = (struct place){0};
	}
	p->generation++;
	p->heard = heard;
	pthread_mutex_unlock(&p->lock);
}

struct endpoints *
endpoints_new(void)
{
	struct endpoints *p = xcalloc(1, sizeof(*p));
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void
endpoints_free(struct endpoints *p)
{
	if (!p)
		return;
	endpoints_changed(p, false);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

const char *const acme_challenge_words[ACME_CHALLENGE_COUNT] = {
#define CHALLENGE_OF_PROBE(id, word) word,
#define CHALLENGE_OF_CLIENT CHALLENGE_OF_PROBE
#include "lib/acme_challenges.def"
#undef CHALLENGE_OF_PROBE
#undef CHALLENGE_OF_CLIENT
};

static unsigned
auth_bits(const char *words)
{
	static const char *const names[] = {"password", "code", "certificate", "both", "challenge", "webhook"};
	unsigned bits = 0;
	const char *word;
	size_t len;
	while (words_next(&words, &word, &len))
		for (size_t i = 0; i < ARRAY_LEN(names) + ACME_CHALLENGE_COUNT; i++) {
			const char *name = i < ARRAY_LEN(names) ? names[i] : acme_challenge_words[i - ARRAY_LEN(names)];
			if (strlen(name) == len && memcmp(name, word, len) == 0)
				bits |= 1u << i;
		}
	return bits;
}

static struct bytes
copy_bytes(struct arena *a, struct bytes b)
{
	return (struct bytes){b.len ? arena_dup(a, b.data, b.len) : NULL, b.len};
}

static void
copy(struct arena *a, const struct endpoint *from, struct endpoint *to)
{
	struct bytes *anchors = arena_alloc(a, (from->n_anchors + 1) * sizeof(*anchors));
	for (size_t i = 0; i < from->n_anchors; i++)
		anchors[i] = copy_bytes(a, from->anchors[i]);
	*to = *from;
	to->label = arena_strdup(a, from->label);
	to->ca = arena_strdup(a, from->ca);
	to->profile = arena_strdup(a, from->profile);
	to->settings = arena_strdup(a, from->settings);
	to->anchors = anchors;
	to->challenge_hash = copy_bytes(a, from->challenge_hash);
}

/* Texts in base64 with commas between them. */
static int
read_anchors(struct arena *a, const char *text, struct endpoint *ret, struct error *e)
{
	size_t n = *text != '\0';
	for (const char *p = text; *p; p++)
		n += *p == ',';
	struct bytes *anchors = arena_alloc(a, (n + 1) * sizeof(*anchors));
	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(text, ",");
		if (base64_decode(a, text, len, &anchors[i], e) < 0)
			return -1;
		text += len + (text[len] == ',');
	}
	ret->anchors = anchors;
	ret->n_anchors = n;
	return 0;
}

static int
ask(struct enroll *en, const char *protocol, const char *label, struct arena *a, struct endpoint *ret, struct error *e)
{
	enum { ID, TENANT, CA_ID, CA, PROFILE, AUTH, SETTINGS, ANCHORS, CHALLENGE };
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct db_param row[] = {DB_TEXT(protocol), DB_TEXT(label)};
	if (enroll_query(en, 0,
	                 "SELECT r_id, r_tenant, r_ca_id, r_ca, r_profile, r_auth, r_settings, r_anchors, r_challenge"
	                 " FROM endpoint_find($1::text, $2::text)",
	                 row, ARRAY_LEN(row), &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no such label");
	*ret = (struct endpoint){
	    .id = db_int(r, 0, ID),
	    .tenant_id = (int32_t)db_int(r, 0, TENANT),
	    .ca_id = (int32_t)db_int(r, 0, CA_ID),
	    .auth = auth_bits(db_text(r, 0, AUTH)),
	    .label = arena_strdup(a, label),
	    .ca = arena_strdup(a, db_text(r, 0, CA)),
	    .profile = arena_strdup(a, db_text(r, 0, PROFILE)),
	    .settings = arena_strdup(a, db_text(r, 0, SETTINGS)),
	    .challenge_hash = db_bytes(r, 0, CHALLENGE, a),
	};
	return read_anchors(a, db_text(r, 0, ANCHORS), ret, e);
}

static struct place *
place_of(struct endpoints *p, const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a: whoever makes two labels share a place costs the store a question */
	for (const char *c = name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	return &p->places[hash % PLACES];
}

static bool
find_kept(struct endpoints *p, const char *name, struct arena *a, struct endpoint *ret, bool *ret_is, unsigned *ret_generation)
{
	pthread_mutex_lock(&p->lock);
	struct place *place = place_of(p, name);
	bool found = place->until_ms > now_ms() && strcmp(place->name, name) == 0;
	if (found && place->arena)
		copy(a, &place->kept, ret);
	*ret_is = found && place->arena;
	*ret_generation = p->generation;
	pthread_mutex_unlock(&p->lock);
	return found;
}

/* Labels that aren't there are kept as well: guesses shouldn't cost the store anything. */
static void
keep(struct endpoints *p, const char *name, const struct endpoint *found, int64_t asked_ms, unsigned asked_generation)
{
	pthread_mutex_lock(&p->lock);
	if (p->heard && p->generation == asked_generation) {
		struct place *place = place_of(p, name);
		arena_free(place->arena);
		*place = (struct place){.until_ms = asked_ms + KEEP_MS};
		snprintf(place->name, sizeof(place->name), "%s", name);
		if (found) {
			place->arena = arena_new(LIMIT_REQUEST_ARENA_BYTES);
			copy(place->arena, found, &place->kept);
		}
	}
	pthread_mutex_unlock(&p->lock);
}

int
endpoint_find(struct enroll *en, const char *protocol, const char *label, struct arena *a, struct endpoint *ret, struct error *e)
{
	struct endpoints *p = enroll_endpoints(en);
	char name[NAME_BYTES];
	bool is;
	unsigned generation;
	int64_t asked = now_ms(); /* before the store is asked: an answer counts from the question */
	if (!endpoint_label_valid(label) || snprintf(name, sizeof(name), "%s/%s", protocol, label) >= (int)sizeof(name))
		return fail(e, E_NOT_FOUND, "there is no such label");
	if (find_kept(p, name, a, ret, &is, &generation))
		return is ? 0 : fail(e, E_NOT_FOUND, "there is no such label");
	struct endpoint found;
	int rc = ask(en, protocol, label, a, &found, e);
	if (rc == 0 || e->code == E_NOT_FOUND)
		keep(p, name, rc == 0 ? &found : NULL, asked, generation);
	if (rc == 0)
		*ret = found;
	return rc;
}

/* The CA of that name, or the tenant's default one, whatever its status; 0: there is none. */
static int
ask_ca(struct enroll *en, int32_t tenant_id, const char *name, int32_t *ret, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct db_param row[] = {DB_INT(tenant_id), DB_TEXT(name)};
	if (enroll_query(en, tenant_id,
	                 "SELECT id FROM ca WHERE tenant_id = $1::int AND (name = $2::text OR ($2::text = '' AND is_default))",
	                 row, ARRAY_LEN(row), &r, e) < 0)
		return -1;
	*ret = db_rows(r) == 1 ? (int32_t)db_int(r, 0, 0) : 0;
	return 0;
}

int
endpoint_without_row(struct enroll *en, const char *protocol, const struct endpoint *given, struct arena *a, struct endpoint *ret, struct error *e)
{
	struct endpoints *p = enroll_endpoints(en);
	struct endpoint found = *given;
	char name[NAME_BYTES];
	bool is;
	unsigned generation;
	int64_t asked = now_ms();
	snprintf(name, sizeof(name), "%s/", protocol); /* no label is empty */
	if (find_kept(p, name, a, ret, &is, &generation))
		return 0;
	if (ask_ca(en, given->tenant_id, given->ca, &found.ca_id, e) < 0)
		return -1;
	if (found.ca_id) /* the store doesn't tell of CAs that are new */
		keep(p, name, &found, asked, generation);
	*ret = found;
	return 0;
}

static json_t *
setting(const struct endpoint *ep, const char *name)
{
	json_t *settings CLEANUP(json_decref) = json_loads(ep->settings, 0, NULL);
	return json_incref(json_object_get(settings, name));
}

const char *
endpoint_text(const struct endpoint *ep, struct arena *a, const char *name, const char *absent)
{
	json_t *v CLEANUP(json_decref) = setting(ep, name);
	return json_is_string(v) ? arena_strdup(a, json_string_value(v)) : absent;
}

int64_t
endpoint_int(const struct endpoint *ep, const char *name, int64_t absent)
{
	json_t *v CLEANUP(json_decref) = setting(ep, name);
	return json_is_integer(v) ? json_integer_value(v) : absent;
}

int64_t
acme_setting(const struct endpoint *ep, enum acme_setting s)
{
	static const struct {
		const char *name;
		int64_t absent;
	} numbers[ACME_SETTING_COUNT] = {
#define ACME_NUMBER(name, least, most, absent) {#name, absent},
#include "lib/acme_settings.def"
#undef ACME_NUMBER
	};
	return endpoint_int(ep, numbers[s].name, numbers[s].absent);
}
