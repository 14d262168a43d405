/* SCEP, RFC 8894. Operations of HTTP and types of messages are rows in tables; one gate decides who may. */
#ifndef SIEGEL_ENROLL_SCEP_SCEP_H
#define SIEGEL_ENROLL_SCEP_SCEP_H
#include "enroll/code.h"
#include "enroll/endpoint.h"
#include "enroll/ra.h"
#include "enroll/scep/message.h"
#include "lib/http/http.h"

struct scep;

/* The front end's state; config outlives it. The caller frees *ret. */
int scep_open(const struct config *c, struct scep **ret, struct error *e) MUST_CHECK;
void scep_close(struct scep *s); /* accepts NULL; no request may be under way */
const struct config *scep_config(const struct scep *s);
struct enroll *scep_enroll(struct scep *s);

/* One request on its way. */
struct scep_exchange {
	struct scep *scep;
	struct http_request *request;
	struct arena *arena;
	struct endpoint endpoint;
	bool legacy;               /* the endpoint takes SHA-1 and 3DES */
	int fail;                  /* enum scep_fail that the check in question names; -1: the error's row says it */
	bool hidden;               /* what failed was behind the encryption: the client gets one text for all of that, after one time */
	const char *ciphertexts;   /* what a content that is hidden is counted under; NULL: it isn't */
	bool named;                /* a content without a request named something of this path, whole: what fails from then on may be told */
	/* What the message was opened with, and the answer is closed with: PasswordRecipientInfo with the challenge of the endpoint
	 * (code_id 0) or of a code. */
	struct {
		bool is_set;
		int64_t code_id;
		long iterations;
	} password;
	/* For the log. */
	const char *type, *transaction, *status, *who, *evidence, *serial;
	bool repeated;
};

struct scep_operation {
	const char *name;
	bool posted;               /* it may be POSTed */
	/* Fills *ret. E_UNAVAILABLE: no CA or registration authority is in service, or the store or the engine isn't; else what is wrong with the
	 * request, as a status of HTTP. */
	int (*handle)(struct scep_exchange *x, struct http_answer *ret, struct error *e);
};
extern const struct scep_operation scep_get_ca_caps, scep_get_ca_cert, scep_get_next_ca_cert, scep_pki_operation;
/* All of them, ended by NULL. */
extern const struct scep_operation *const scep_operations[];

/* http_handler with a struct scep as ctx: the whole way from request to answer. */
void scep_handle(void *ctx, struct http_request *r, struct http_answer *a);
/* Label and operation of a request (RFC 8894 4.1): /scep/<label>, with pkiclient.exe or mscep.dll behind it as clients put it there; without a label
 * *ret_label is NULL. The operation's name in any case. E_NOT_FOUND, E_BAD_METHOD; E_MALFORMED for an operation that is missing, comes twice or isn't
 * known. */
int scep_route(const struct http_request *r, const char **ret_label, const struct scep_operation **ret_operation, struct error *e) MUST_CHECK;
/* The octets of a message in a GET (RFC 8894 4.1): base64 whose + may have become spaces, with or without padding; its line ends
 * are gone already (drops_line_ends of lib/http/http.h). */
int scep_message_decode(const struct http_request *r, struct bytes *ret, struct error *e) MUST_CHECK;

/* The CAs whose clients an endpoint has: its own, then those that it followed. */
#define SCEP_LINE_MAX 8
struct scep_ca {
	int32_t id;
	struct bytes certificate;
	const char *key_id;        /* hexadecimal, the name of its files */
	const char *crl_url;       /* where its list of revoked certificates is fetched */
};
/* Newest first; at least one. E_UNAVAILABLE: its CA isn't in service, or the store isn't. */
int scep_line(struct scep_exchange *x, struct scep_ca ret[SCEP_LINE_MAX], int *ret_n, struct error *e) MUST_CHECK;
/* What messages to this endpoint may be for: the registration authorities of that line, newest first. They live in the arena. E_UNAVAILABLE as long
 * as its CA has none. Thread-safe. */
#define SCEP_RAS_MAX (SCEP_LINE_MAX * ENROLL_RA_MAX)
int scep_find_ras(struct scep_exchange *x, struct enroll_ra ret[SCEP_RAS_MAX], size_t *ret_n, struct error *e) MUST_CHECK;
/* For scep.c: those that are kept. */
struct scep_ras;
struct scep_ras *scep_ras_new(void) __attribute__((returns_nonnull));
void scep_ras_free(struct scep_ras *p); /* accepts NULL */
struct scep_ras *scep_ras_of(struct scep *s);
/* The certificates of that CA of the endpoint's tenant and of those above it, up to the root; at least one. E_UNAVAILABLE: there is no such CA, or
 * the store isn't there. */
#define SCEP_CHAIN_MAX 16
int scep_chain(struct scep_exchange *x, int32_t ca_id, struct bytes ret[SCEP_CHAIN_MAX], int *ret_n, struct error *e) MUST_CHECK;

/* What a type of message needs to be let through. */
enum scep_need {
	SCEP_NEED_CLOSED,      /* nobody: what a row that forgot to say gets */
	SCEP_NEED_ENROL,       /* a challenge or a code, or a certificate of ours or under the endpoint's anchors */
	SCEP_NEED_RENEW,       /* a certificate of ours or under the endpoint's anchors */
	SCEP_NEED_OWN,         /* a certificate of ours that is good */
	SCEP_NEED_TRANSACTION, /* the key that signed the transaction's request */
};

/* A transaction that waits for people, or that a webhook vouched for. */
struct scep_transaction {
	int type;
	struct bytes csr, signer;
	bool vouched; /* the webhook said yes to csr */
};

/* Who was let through, and on what terms. */
struct scep_grant {
	struct principal who;
	struct enroll_identity rule;
	int64_t code_id;
	struct bytes challenge;  /* that was shown and is ours; empty: none */
	bool renewal;            /* by a certificate of ours */
	struct scep_transaction transaction; /* SCEP_NEED_TRANSACTION */
};
/* The gate, the only place where anybody is let through: every message passes it after its signature was verified and before anything is done.
 * csr is that of the request, or NULL. E_FORBIDDEN, E_UNAUTHENTICATED name the cause; E_NOT_FOUND for a transaction that isn't there or isn't the
 * signer's; E_TOO_MANY after wrong challenges. */
int scep_authorise(struct scep_exchange *x, enum scep_need need, const struct scep_message *m, const struct csr *csr, struct scep_grant *ret,
                   struct error *e) MUST_CHECK;

/* Whether the message is signed by a good certificate of ours that this profile takes: its owner isn't one of the strangers of his address. */
bool scep_is_known(struct scep_exchange *x, const struct scep_message *m);
/* Under which wrong challenges of x's client are counted (lib/auth), in the arena. */
const char *scep_throttle_key(const struct scep_exchange *x);

/* Once, before threads start. */
int scep_webhook_open(struct error *e) MUST_CHECK;
/* Whether the profile's webhook vouches for the challenge of a request; its yes is kept with the transaction. E_UNAUTHENTICATED: it says no;
 * E_UNAVAILABLE: it can't be asked, or too many are being asked. */
int scep_webhook_allows(struct scep_exchange *x, const struct scep_message *m, const struct csr *csr, struct error *e) MUST_CHECK;

/* A message after decryption. */
struct scep_work {
	const struct scep_message *message;
	const struct scep_grant *grant;
	struct bytes content;
	const struct csr *csr;   /* of PKCSReq and RenewalReq */
};
struct scep_message_type {
	int type;
	const char *name;
	enum scep_need need;
	bool has_csr;            /* the content is a PKCS#10 */
	/* Sets *ret_content to the degenerate SignedData for the answer. E_PENDING: it waits; E_NOT_FOUND: what is asked about isn't there or
	 * isn't the signer's; E_UNAVAILABLE and its like: a fault of ours; else the engine's refusal. */
	int (*handle)(struct scep_exchange *x, const struct scep_work *w, struct bytes *ret_content, struct error *e);
};
/* Whether a content is what that type of message has; csr is set when it has one. */
int scep_content_parse(const struct scep_message_type *type, struct bytes content, struct csr *csr, struct error *e) MUST_CHECK;
extern const struct scep_message_type scep_pkcs_req, scep_renewal_req, scep_cert_poll, scep_get_cert, scep_get_crl;
/* Enrols as a grant allows: for PKCSReq, RenewalReq, and CertPoll once more. Errors are enroll_issue()'s; E_KEY_REUSED: another key used the
 * transaction. */
int scep_issue(struct scep_exchange *x, const struct scep_message *m, const struct csr *csr, const struct scep_grant *g, struct bytes *ret_content,
               struct error *e) MUST_CHECK;
/* Keeps and finds transactions, by the key of their signer. request_key: under which the engine lets it wait (enroll_request_key()); NULL: the
 * webhook said yes to it, and what is known of it beside stays. E_UNAVAILABLE: the store isn't there. */
int scep_transaction_keep(struct scep_exchange *x, const struct scep_message *m, const struct csr *csr, const uint8_t request_key[ENROLL_KEY_BYTES],
                          struct error *e) MUST_CHECK;
/* E_NOT_FOUND; E_UNAVAILABLE. */
int scep_transaction_find(struct scep_exchange *x, const struct scep_message *m, struct scep_transaction *ret, struct error *e) MUST_CHECK;
/* A certificate was issued: what the webhook said serves repetitions of the request for so long yet, and no request behind them. */
int scep_transaction_served(struct scep_exchange *x, const struct scep_message *m, int window_sec, struct error *e) MUST_CHECK;

/* The content of a message, decrypted and read as its type wants it, by the registration authority among ras that it is for, or the challenge. Lists
 * of what is allowed come first; everything that fails behind the encryption is one error (x->hidden). A type without a request gets an empty content
 * for one that doesn't decrypt, and refuses it where it refuses a wrong one. Sets *ra to the one that it was for. E_UNSUPPORTED,
 * E_MALFORMED: it is in no form that is taken; E_TOO_MANY after wrong challenges; E_UNAVAILABLE: store or engine aren't there. */
struct scep_opened {
	struct bytes content;
	struct csr csr;
	const struct cms_cipher *cipher;
};
int scep_open_envelope(struct scep_exchange *x, const struct scep_message *m, const struct scep_message_type *type, const struct enroll_ra *ras,
                       size_t n_ras, const struct enroll_ra **ra, struct scep_opened *ret, struct error *e) MUST_CHECK;
/* Marks what just failed as hidden: badMessageCheck; badCertId for a type without a request, whose honest senders ask for what
 * isn't there (RFC 8894 3.2.1.4.5). Returns -1. */
int scep_hide(struct scep_exchange *x, const struct scep_message_type *type);
/* Can the answer to this message be encrypted? To an RSA key, or under a challenge (RFC 8894 3.1), which is looked up here. E_UNSUPPORTED: it
 * can't; E_UNAVAILABLE: the store isn't there. */
int scep_check_answerable(struct scep_exchange *x, const struct scep_message *m, const struct scep_grant *g, struct error *e) MUST_CHECK;

struct scep_answer {
	enum scep_status status;
	enum scep_fail fail;
	const char *text;              /* failInfoText, with SCEP_FAILURE */
	struct bytes content;          /* with SCEP_SUCCESS */
	const struct cms_cipher *cipher;
};
/* CertRep, RFC 8894 3.3.2: DER in the arena, signed as ra. */
int scep_reply(struct scep_exchange *x, const struct scep_message *m, const struct enroll_ra *ra, const struct scep_answer *answer,
               struct bytes *ret, struct error *e) MUST_CHECK;

#endif
