/* The doors by which devices enrol: labels of EST, profiles of SCEP, directories of ACME. Each is a row of the store
 * (migrations/0016_enrolment.sql) and says for which tenant, by which CA and profile and on what evidence it issues. */
#ifndef SIEGEL_ENROLL_ENDPOINT_H
#define SIEGEL_ENROLL_ENDPOINT_H
#include "enroll/common.h"

enum acme_challenge {
#define CHALLENGE_OF_PROBE(id, word) ACME_CHALLENGE_##id,
#define CHALLENGE_OF_CLIENT CHALLENGE_OF_PROBE
#include "lib/acme_challenges.def"
#undef CHALLENGE_OF_PROBE
#undef CHALLENGE_OF_CLIENT
	ACME_CHALLENGE_COUNT
};
/* The words for them, such as "http-01". */
extern const char *const acme_challenge_words[ACME_CHALLENGE_COUNT];

/* What is evidence at a door; bits of struct endpoint's auth. */
enum endpoint_auth {
	ENDPOINT_PASSWORD = 1,    /* an account's password or its one-time code */
	ENDPOINT_CODE = 2,        /* a one-time code of the door (enroll/code.h) */
	ENDPOINT_CERTIFICATE = 4, /* a certificate of ours, or of a manufacturer under the door's anchors */
	ENDPOINT_BOTH = 8,        /* a certificate, and a password or code with it */
	ENDPOINT_CHALLENGE = 16,  /* SCEP: the static challenge */
	ENDPOINT_WEBHOOK = 32,    /* SCEP: somebody else says whether the challenge is good */
	/* ACME: kinds of challenge that are offered, ENDPOINT_HTTP_01 and so on */
#define CHALLENGE_OF_PROBE(id, word) ENDPOINT_##id = 64 << ACME_CHALLENGE_##id,
#define CHALLENGE_OF_CLIENT CHALLENGE_OF_PROBE
#include "lib/acme_challenges.def"
#undef CHALLENGE_OF_PROBE
#undef CHALLENGE_OF_CLIENT
};

/* Settings of a directory of ACME that are numbers. */
enum acme_setting {
#define ACME_NUMBER(name, least, most, absent) ACME_SETTING_##name,
#include "lib/acme_settings.def"
#undef ACME_NUMBER
	ACME_SETTING_COUNT
};

struct endpoint {
	int64_t id; /* 0: the default path of EST, which has no row */
	int32_t tenant_id, ca_id; /* ca_id 0: the tenant has no default CA */
	unsigned auth;
	const char *label;
	const char *ca;       /* name; "": the tenant's default CA, whose id is ca_id */
	const char *profile;  /* name */
	const char *settings; /* JSON object */
	const struct bytes *anchors; /* DER */
	size_t n_anchors;
	struct bytes challenge_hash; /* SHA-256 of the static challenge; empty: there is none */
};

#define ENDPOINT_LABEL_MAX 64
/* 1 to 64 of [a-z0-9._-], the first one a letter or digit: what a label can be. */
bool endpoint_label_valid(const char *label);
/* The door of that name, in the arena. E_NOT_FOUND when there is none, or it or its tenant is closed. What the store said is kept for a second, and
 * forgotten at once when the store tells of a change. Thread-safe. */
int endpoint_find(struct enroll *en, const char *protocol, const char *label, struct arena *a, struct endpoint *ret, struct error *e) MUST_CHECK;
/* The same for the default path of a protocol, which is as given and has no row: *ret is that with its ca_id, by tenant_id and ca. There is one
 * such path for a protocol and process. */
int endpoint_without_row(struct enroll *en, const char *protocol, const struct endpoint *given, struct arena *a, struct endpoint *ret,
                         struct error *e) MUST_CHECK;
/* A setting that is a text, or a whole number; absent when it isn't there or of another type. Texts live in the arena. */
const char *endpoint_text(const struct endpoint *ep, struct arena *a, const char *name, const char *absent);
int64_t endpoint_int(const struct endpoint *ep, const char *name, int64_t absent);
/* A number of a directory of ACME, or what holds when it is left out. */
int64_t acme_setting(const struct endpoint *ep, enum acme_setting s);

/* For enroll/common.c: what is kept. Nothing is before endpoints_changed(p, true), which forgets everything: from then on the store tells of
 * changes. */
struct endpoints;
struct endpoints *endpoints_new(void) __attribute__((returns_nonnull));
void endpoints_free(struct endpoints *p); /* accepts NULL */
void endpoints_changed(struct endpoints *p, bool heard);
struct endpoints *enroll_endpoints(struct enroll *en);

#endif
