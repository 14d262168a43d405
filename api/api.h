/* What the parts of siegel-api share: the process's state, one request under way, and the tables that make a resource. */
#ifndef SIEGEL_API_API_H
#define SIEGEL_API_API_H
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/json.h"
#include "lib/db/audit.h"
#include "lib/auth/auth.h"
#include "lib/config.h"
#include "lib/db/db.h"
#include "lib/db/tally.h"
#include "lib/http/http.h"
#include "lib/ipc/engine.h"
#include "lib/limits.h"
#include "lib/rights.h"

/* A row of the tables below says what it has; the rest is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define API_PREFIX "/api/v2.0"

struct api;
struct call;
struct resource;

struct attribute;

enum {
	ROUTE_RESULT = 1,      /* of an action: the answer is what the engine says, not the resource */
	ROUTE_CREATES = 2,     /* for the description of the interface: makes a certificate, and takes an Idempotency-Key */
	ROUTE_WAITS = 4,       /* the same: it may wait for an approval, though no operation of the manager is named */
	ROUTE_PAGE = 8,        /* the same: the answer is a page for people, text/html */
	ROUTE_UNFINISHED = 16, /* also over a session that isn't complete */
	ROUTE_OWN = 32,        /* also with certificates.own, for what the account is responsible for: siegel-api then looks as siegel_portal */
	ROUTE_FILE = 64,       /* the answer is a file: any media type is accepted; members are parameters of the query */
	ROUTE_LIST = 128,      /* of a handler of its own: the answer is a list of resources */
	ROUTE_JOB = 256,       /* for the description: a job does it, and nothing comes but 202 */
	ROUTE_MADE = 512,      /* the same, of a handler of its own: 201 */
	ROUTE_STORELESS = 1024, /* also while the store is away, for who was good when it went: call->storeless */
	ROUTE_ELSEWHERE = 2048, /* for the description: a browser is sent elsewhere, 303 */
};

/* One method on one pattern. The pattern follows API_PREFIX; "{id}" stands for one segment. */
struct route {
	const char *method;
	const char *pattern;
	enum right right; /* who doesn't have it gets E_FORBIDDEN */
	/* 0 with a complete answer in c->answer, or -1 with *e, which becomes a JSON:API error. */
	int (*handle)(struct call *c, struct error *e);
	/* For the handlers of api/write.h: */
	const char *operation;           /* of the engine's manager: "role.create" */
	const struct attribute *members; /* of an action's document: name, type, flags (ATTRIBUTE_REQUIRED) and text */
	int n_members;
	unsigned flags;
	size_t raw_bytes;                /* not 0: the body is up to so many octets of anything, and no document */
	const char *text;                /* what it does, for people; NULL: what all routes of this handler do */
};
#define MEMBERS(list) .members = (list), .n_members = ARRAY_LEN(list)

enum attribute_type {
	ATTRIBUTE_TEXT,
	ATTRIBUTE_INT,
	ATTRIBUTE_BOOL,
	ATTRIBUTE_TIME,   /* timestamptz → "2026-01-31T23:59:59Z" */
	ATTRIBUTE_HEX,    /* bytea → lower-case hexadecimal */
	ATTRIBUTE_TEXTS,  /* text[] → array of strings */
	ATTRIBUTE_JSON,   /* jsonb, as it is */
	ATTRIBUTE_METADATA, /* jsonb, an object of texts: shown as it is, filtered by filter[metadata.<key>] */
	ATTRIBUTE_PEM,    /* bytea with a certificate → PEM */
	ATTRIBUTE_PEMS,   /* text: DER in hexadecimal, separated by commas → PEM blocks one after the other */
	ATTRIBUTE_SHA256, /* bytea → hexadecimal SHA-256 of it */
};

enum {
	ATTRIBUTE_FILTER = 1,     /* filter[name] may be asked for */
	ATTRIBUTE_SORT = 2,       /* sort=name; its column is never null */
	ATTRIBUTE_ON_REQUEST = 4, /* in a collection only when fields[type] names it */
	ATTRIBUTE_CREATE = 8,     /* may be set when the resource is made */
	ATTRIBUTE_UPDATE = 16,    /* may be changed */
	ATTRIBUTE_WRITE = ATTRIBUTE_CREATE | ATTRIBUTE_UPDATE,
	ATTRIBUTE_REQUIRED = 32,  /* has to be there when it is made */
	ATTRIBUTE_WITH_URL = 64,  /* $URL in it stands for the edge's address; of a text or JSON */
	ATTRIBUTE_SECRET = 128,   /* for the description of the interface: what is sent is shown to nobody */
	ATTRIBUTE_LINES = 256,    /* the same: a text of several lines */
};

/* One value of an attribute that has only some, and the condition that it is. */
struct choice {
	const char *name, *condition;
};

/* How a filter on an attribute reaches the store where comparing the shown expression wouldn't do. All of it is fixed text. */
struct filtering {
	const struct choice *choices; /* the values that there are, ended by a row of NULL: any other is refused */
	const char *table, *name;     /* the attribute is the name of a row in that table: its id is looked up first, … */
	const char *column;           /* … and compared with this */
	const char *lookup;           /* a statement that gives the ids by the value, $1, which are compared with column; the value's equal alone */
	const char *hint;             /* what is true as well when the value is equal, and leads to an index; $V the value, $K metadata's key */
};

struct attribute {
	const char *name;
	const char *sql; /* a fixed expression; never anything that a client sent */
	enum attribute_type type;
	unsigned flags;
	const char *text; /* what it is, for people, where the name doesn't say it */
	const struct filtering *by;
	/* For the description of the interface, where the name of what is meant is typed: */
	const char *values; /* the texts that there are, parted by blanks: "open (done)"; in brackets: shown and never written. NULL: any, or by's */
	const char *of;     /* the resource whose members it names, by name or, without one, by id: "roles" */
	const char *schema; /* what a JSON value is made of: a file of api/schemas/ */
};

/* What every object has (manage_ownership() in ca/manage.h). */
#define OWNERSHIP_ATTRIBUTES(alias)                                                                                    \
	{"owner", alias ".owner", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE, "whose it is"},                     \
	{"metadata", alias ".metadata", ATTRIBUTE_METADATA, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE, "free keys with texts"}

/* A to-one relationship: the other's type, which is its collection's name too, and the expression of its id (null: none). Where it may be
 * written it comes as a relationship, or as an attribute with the other's name. */
struct relationship {
	const char *name, *type, *id_sql;
	unsigned flags; /* ATTRIBUTE_CREATE, ATTRIBUTE_UPDATE, ATTRIBUTE_REQUIRED; ATTRIBUTE_FILTER: by the other's id */
	const struct filtering *by;
};

#define RESOURCE_MAX_TYPES 4
#define RESOURCE_MAX_FIELDS 32 /* attributes and relationships: bits of a mask */

/* A resource: a file in api/resources/ and a line in api/resources/list.def. What isn't readable as a table has no from. */
struct resource {
	const char *path;                      /* collection's name in addresses, "certificates" */
	const char *types[RESOURCE_MAX_TYPES]; /* JSON:API types of its members, ended by NULL when fewer */
	const char *type_sql;                  /* expression of the type when there is more than one */
	const char *self;                      /* collection of the self link; NULL: path */
	const char *from;                      /* FROM and what follows it but for conditions */
	const char *where;                     /* fixed condition, or NULL */
	/* For a table that grows without end: what the ids of a page are found in, without the tables that only dress it. Conditions, sort and id
	 * are then of it alone; its index in the order of each sort ends in the id. */
	const char *page_from;
	const char *page_ids, *page_ids_column; /* what stands for `where` there: a look-up of ids, and what is one of them */
	/* What makes a row theirs who see their own alone: a look-up of the number of a condition, and of the value for $V in it. Each is found by an
	 * index of its own; the store's policies hold besides. */
	const char *page_own;
	const char *const *page_own_conditions;
	const char *page_rows; /* the condition on $1 (an array of ids) for the rows of a page; NULL: id_sql is one of them */
	const char *id_sql;                    /* expression of the id */
	const char *id_where;                  /* condition on $1 (text) for one id */
	const char *id_cast;                   /* SQL type for the comparison of ids in pages: "int8" or "text" */
	bool (*valid_id)(const char *id);
	const struct attribute *attributes;
	int n_attributes;
	const struct relationship *relationships;
	int n_relationships;
	const struct attribute *inputs;        /* what is written and never shown, such as a secret; their sql is NULL */
	int n_inputs;
	const struct attribute *once;          /* what the engine shows once, in the answer to POST; their sql is NULL */
	int n_once;
	bool by_account;          /* its expressions ask who looks: settings siegel.account and siegel.session */
	const char *default_sort; /* as in the query: "-created_at"; NULL: newest id first */
	const struct route *routes;
	int n_routes;
};

/* All resources, in the order of list.def, ended by NULL. */
extern const struct resource *const resource_list[];
/* The resource of that path; NULL when there is none. */
const struct resource *resource_find(const char *path);

/* The process's state. */
struct api {
	const struct config *config;
	const char *base_url; /* "" or the edge's address */
	struct db_pool *pool;
	struct db_pool *lists; /* for lists and counts alone */
	atomic_int n_lists;    /* under way */
	pthread_mutex_t export_lock; /* guards the next */
	int32_t exports[LIMIT_EXPORTS]; /* their tenants; 0: a free place */
	uint8_t cursor_key[32];
	pthread_key_t engine_key;  /* struct engine of the thread */
	pthread_key_t manager_key; /* the same on the manager's socket */
	pthread_key_t login_key;   /* and on that for what people who sign in wait for */
	pthread_mutex_t token_lock; /* guards the two below */
	struct db *token_db;        /* holds the lock of the audit chain api.tokens; NULL until first used */
	struct audit_chain token_chain;
	struct db_tally *refusals;  /* NULL: not counted */
	pthread_mutex_t health_lock; /* guards the four below */
	int64_t health_at_ms;
	bool health_store, health_engine, health_looking;
};

/* One request. */
struct call {
	struct api *api;
	struct http_request *request;
	struct http_answer *answer;
	struct arena *arena;
	const struct resource *resource;
	const struct route *route;
	const char *id; /* of the path, or NULL */
	struct principal who;
	struct db *db;  /* taken by call_db() */
	bool listing;   /* from the pool of lists */
	bool own;       /* who asks sees what he is responsible for, and nothing else */
	bool disguised; /* db has become siegel_portal */
	bool storeless; /* with ROUTE_STORELESS: the store is away, and who asks is known from before */
	const json_t *once; /* an object: what is shown among the attributes this once */
};

/* The request's database connection with its tenant set (once the principal is known); taken from the pool on first use. */
int call_db(struct call *c, struct error *e) MUST_CHECK;
/* Whether who asks may see that resource at all, by a GET of it. */
bool call_sees(const struct call *c, const struct resource *res);
/* From here on the request is a list: its connections come from the pool of lists, so that however many are asked for, and however long they
 * take, nothing else waits for one. E_UNAVAILABLE when LIMIT_LISTS are under way. */
int call_list(struct call *c, struct error *e) MUST_CHECK;
/* Gives the connection back early, before waiting for something else. */
void call_release_db(struct call *c);
/* The engine's connection of this thread. */
struct engine *call_engine(struct call *c) __attribute__((returns_nonnull));
/* The engine's manager's, which may take LIMIT_MANAGE_CALL_MS. */
struct engine *call_manager(struct call *c) __attribute__((returns_nonnull));
/* That of operations whose names begin with "login.", which wait for nothing else. */
struct engine *call_login(struct call *c) __attribute__((returns_nonnull));
/* Fills the engine's view of who asks. Strings live as long as the call. */
void call_requestor(const struct call *c, Siegel__Requestor *ret);
/* Makes the written document the answer: copied into the arena, media type set. E_TOO_LARGE when it outgrew its maximum. */
int call_answer(struct call *c, int status, struct json *j, struct error *e) MUST_CHECK;
/* "https://edge.example/api/v2.0/certificates/7"; id NULL: the collection. */
char *call_link(const struct call *c, const char *collection, const char *id) __attribute__((returns_nonnull));

bool id_is_number(const char *id); /* a positive number that fits int8 */
bool id_is_pair(const char *id);   /* "7-12": two numbers that fit int4 and int8 */

#endif
