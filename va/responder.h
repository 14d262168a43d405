/* From the bytes of an OCSP request to the bytes of the answer. */
#ifndef SIEGEL_VA_RESPONDER_H
#define SIEGEL_VA_RESPONDER_H
#include <stdbool.h>
#include "lib/arena.h"
#include "va/ocsp_response.h"
#include "va/signers.h"

/* One serial to look up, and what was found. */
struct status_query {
	int32_t ca_id;
	struct bytes serial;
	struct cert_status status;
	bool broken;  /* its row makes no sense: internalError */
	bool altered; /* and that is because somebody changed it without the engine (lib/status_mac.h) */
};

/* Finds the status of n serials at once, n at most STATUS_BATCH: 0, or -1 with E_STORE (the clients are told to try later) or another
 * error (internalError). */
typedef int (*status_lookup)(void *ctx, struct status_query *queries, int n, struct error *e);
#define STATUS_BATCH 256

struct responder_options {
	struct signers *signers;
	status_lookup lookup;
	void *lookup_ctx;
	long answer_sec;        /* from thisUpdate to nextUpdate, unless the signer lives shorter */
	bool not_issued_revoked; /* a serial that was never issued: revoked as in RFC 6960 4.4.8 instead of unknown */
};

struct responder;
/* The options are copied; what they point to must live longer. The caller frees *ret after all threads that used it. */
int responder_new(const struct responder_options *o, struct responder **ret, struct error *e) MUST_CHECK;
void responder_free(struct responder *r); /* accepts NULL */
DEFINE_CLEANUP(struct responder, responder_free)

struct ocsp_reply {
	enum ocsp_response_status status;
	struct bytes der;           /* in the arena or static */
	bool has_nonce;
	int64_t this_update, next_update; /* of a successful one */
	struct error error;         /* why the status isn't successful; for the log */
};

/* A request to answer. */
struct ocsp_job {
	struct bytes request;
	struct arena *arena; /* what the reply lies in */
	struct ocsp_reply reply;
};
#define RESPONDER_BATCH 64

/* Answers n requests, with one look-up for up to RESPONDER_BATCH of them; always leaves complete replies. Status by status (RFC 6960
 * 2.3): malformedRequest for what can't be read, unauthorized for a certificate whose issuer is none of ours and for ids of several
 * issuers (one signer can't speak for them), tryLater without a living signer or a reachable store, internalError for what shouldn't
 * be. now in seconds since 1970. Any number of threads. */
void responder_answer_many(struct responder *r, struct ocsp_job *const *jobs, int n, int64_t now);
/* The same for one. */
void responder_answer(struct responder *r, struct bytes request, struct arena *a, int64_t now, struct ocsp_reply *ret);

#endif
