/* What the engine builds, without processes, store and token: requests, profiles and CAs whose keys are in this process. */
#ifndef SIEGEL_TESTS_UNIT_CA_INPROCESS_H
#define SIEGEL_TESTS_UNIT_CA_INPROCESS_H
#include "ca/order.h"

#define CA_DEFINITION                                                                                                               \
	"{\"internal\": true, \"ca\": true, \"path_length\": 0, \"days\": 5000, \"max_days\": 36525, \"over_maximum\": \"refuse\", \"over_issuer\": \"clamp\"," \
	"\"keys\": [\"p256\", \"p384\", \"rsa2048\", \"ed25519\"], \"key_usage\": [\"keyCertSign\", \"cRLSign\"], \"subject_required\": [\"CN\"]," \
	"\"subject_allowed\": [\"CN\"], \"status_information\": false}"

/* A request with a common name; attributes and names are for the caller to add. */
struct asked {
	Siegel__Issue issue;
	Siegel__Requestor requestor;
	Siegel__Attribute attribute[LIMIT_RDN_COUNT], *subject[LIMIT_RDN_COUNT];
	Siegel__Name name[8], *names[8];
	char type[LIMIT_RDN_COUNT][32], value[LIMIT_RDN_COUNT][300], text[8][300];
};
/* cn NULL: without a subject. */
void asked_init(struct asked *q, const char *cn);
void asked_attribute(struct asked *q, const char *type, const char *value);
void asked_name(struct asked *q, Siegel__Name__Kind kind, const char *value);

/* The profile of this definition, or NULL and *e says why. */
struct profile *profile_try(const char *json, const char *kind, struct error *e);
/* A CA with this profile, below issuer (NULL: a root). The process ends when it can't be made. */
struct authority *ca_below(struct authority *issuer, const struct profile *p, const char *key_type, struct asked *q, int64_t now);
/* A root by CA_DEFINITION. */
struct authority *ca_make(const char *key_type, long days, int64_t now);
/* An order for a certificate with this key, signed. NULL and *e says why. */
struct order *order_signed(struct authority *ca, const struct profile *p, EVP_PKEY *key, const struct asked *q, int64_t now, struct error *e);

#endif
