/* Who asks, on what evidence. A secret of ours is random (160 bits), so that its SHA-256 is what the store keeps. */
#ifndef SIEGEL_LIB_AUTH_AUTH_H
#define SIEGEL_LIB_AUTH_AUTH_H
#include "lib/arena.h"
#include "lib/db/db.h"
#include "lib/rights.h"

#define ROLE_NONE "none" /* of a device that speaks with its own certificate */

enum evidence {
	EVIDENCE_NONE,
	EVIDENCE_TOKEN,
	EVIDENCE_PASSWORD,
	EVIDENCE_ONE_TIME,
	EVIDENCE_CERTIFICATE,
	EVIDENCE_CODE,   /* a one-time code of an enrolment protocol, of nobody's account */
	EVIDENCE_CHALLENGE, /* the static challenge of a SCEP profile, which many devices share */
	EVIDENCE_WEBHOOK,   /* a challenge of SCEP that another server vouches for */
	EVIDENCE_ACME,   /* the key of an ACME account */
	EVIDENCE_SESSION, /* the cookie of a browser that has signed in */
	EVIDENCE_ANCHOR, /* a certificate that isn't ours, under a trust anchor of the door (a manufacturer's) */
	EVIDENCE_PASSKEY, /* an authenticator of WebAuthn, which asked for a PIN or a finger */
};
/* "token", "password", "one_time", "certificate", "code", "challenge", "webhook", "acme", "session", "anchor", "passkey"; "none" for anything
 * else. */
const char *evidence_name(enum evidence ev);

/* The one text for every secret that is refused: it must not tell an unknown account from a wrong secret. */
#define AUTH_SECRET_REFUSED "the account or the secret is wrong, expired or revoked"

struct principal {
	int32_t tenant_id;
	int64_t account_id;      /* 0 when a device speaks with its own certificate */
	const char *name;        /* account's name, or the certificate's subject */
	const char *role;        /* name of the account's role, or ROLE_NONE */
	uint64_t rights;         /* of the role (lib/rights.h), and RIGHT_ACCOUNT; 0 when a device speaks */
	enum evidence evidence;
	/* Of somebody who is neither an account nor has a certificate of ours: who that is, such as "code:17" or "anchor:<SHA-256>"; else NULL. */
	const char *identity;
	/* With EVIDENCE_SESSION: its row, and whether signing in isn't complete yet: then it may do nothing but complete it. */
	int64_t session_id;
	bool unfinished;
	/* With EVIDENCE_ONE_TIME: it has to sign in by a passkey, and may register one by this code: see auth_first(). */
	bool first;
	/* With EVIDENCE_CERTIFICATE: the row of the certificate, its DER and the CA that issued it. With EVIDENCE_ANCHOR its DER. */
	int64_t certificate_id;
	int32_t ca_id;
	struct bytes certificate;
	bool is_ra;              /* it has the purpose id-kp-cmcRA (RFC 6402 2.10) */
	bool expired;            /* see auth_client_cert_expired() */
};

/* The token (what follows "Bearer " in Authorization) → principal. E_UNAUTHENTICATED for a token that is unknown, expired or
 * revoked, or of a disabled account or tenant, with one text and one cost for all of these. */
int auth_token(struct db *db, const char *token, struct arena *a, struct principal *ret, struct error *e) MUST_CHECK;
/* Whether who's evidence opens the account: E_FORBIDDEN says by what it has to sign in instead. auth_token(), auth_login(), auth_basic() and
 * auth_first() ask that themselves, once the secret was found good: before that it would tell who is there. */
int auth_admit(struct db *db, const struct principal *who, struct error *e) MUST_CHECK;
/* The cookie of a session → principal. E_UNAUTHENTICATED for one that is unknown or has ended, or of a disabled account or tenant. With used, its use
 * is noted, which keeps it from ending. */
int auth_session(struct db *db, const char *cookie, bool used, struct arena *a, struct principal *ret, struct error *e) MUST_CHECK;
/* What a password that somebody chose is hashed with: *ret_salt in the arena, of PASSWORD_SALT_BYTES (lib/password.h); the first octets of fake
 * when there is
 * no such account or it has no password, so that it costs the same. tenant NULL: the house. Whose log is to tell of a refusal: *ret_tenant, and
 * *ret_account,
 * 0 when there is none. */
int auth_login_salt(struct db *db, const char *tenant, const char *name, struct bytes fake, struct arena *a, int32_t *ret_tenant,
	int64_t *ret_account,
                    struct bytes *ret_salt, struct error *e) MUST_CHECK;
/* hash is what password_hash() makes of the password and that salt → principal. E_UNAUTHENTICATED. */
int auth_login(struct db *db, const char *name, const uint8_t hash[32], struct arena *a, struct principal *ret, struct error *e) MUST_CHECK;
/* "Authorization: Basic …" (RFC 7617) → principal, by password or unused one-time code. With consume, a one-time code is used up.
 * authorization is the header's whole value, or NULL. E_UNAUTHENTICATED with one text and one cost for an unknown account and a
 * wrong secret. */
int auth_basic(struct db *db, const char *authorization, bool consume, struct arena *a, struct principal *ret,
               struct error *e) MUST_CHECK;
/* A one-time code → principal, for a session; it is used up. One that was made on the machine itself opens an account that has to sign in by a
 * passkey so far that it may register one: ret->first. */
int auth_first(struct db *db, const char *name, const char *code, struct arena *a, struct principal *ret, struct error *e) MUST_CHECK;
/* The secret that an Authorization: Basic header carries; empty when there is none. */
struct bytes auth_basic_secret(struct arena *a, const char *authorization);
/* The account's name that an Authorization: Basic header claims, as a key to throttle by; "" when there is none. */
const char *auth_basic_name(struct arena *a, const char *authorization) __attribute__((returns_nonnull));
/* A client certificate (PEM) → principal. It must be, byte for byte, a certificate of the store that is issued, not revoked, in its
 * validity and good for clientAuth. When an account has it as a credential the account speaks, else the device itself (ROLE_NONE).
 * E_FORBIDDEN names the cause; its pointer is one of these words: AUTH_FOREIGN when it isn't one of the store's. */
#define AUTH_FOREIGN "foreign"
#define AUTH_REVOKED "revoked"
#define AUTH_ON_HOLD "on_hold"
#define AUTH_CA "ca" /* which issued it, is out of service */
#define AUTH_EARLY "not_yet_valid"
#define AUTH_EXPIRED "expired"
#define AUTH_PURPOSE "purpose"     /* not for clientAuth */
#define AUTH_WITHDRAWN "withdrawn" /* from its account, or that is disabled */
int auth_client_cert(struct db *db, const char *pem, struct arena *a, struct principal *ret, struct error *e) MUST_CHECK;
/* The same, but a certificate that has expired passes, and ret->expired says so: whoever asks has to decide on it. */
int auth_client_cert_expired(struct db *db, const char *pem, struct arena *a, struct principal *ret, struct error *e) MUST_CHECK;
/* The same for the signer of a message (DER): its purposes aren't asked about, and it speaks for itself also when an account has it as a credential;
 * one that was taken from its account, or whose account is disabled, is refused here too. */
int auth_signer_cert(struct db *db, struct bytes der, struct arena *a, struct principal *ret, struct error *e) MUST_CHECK;
/* Columns tenant_id, account_id, name, role, rights of a row of a function of the store, from first_col on. False when the account may do nothing at
 * all any more: its tenant is disabled (account_rights() gives null). */
bool auth_principal(const struct db_result *res, int row, int first_col, enum evidence ev, struct arena *a, struct principal *ret);
/* Sets the tenant for row-level security on the connection until the next call; every query of a request comes after it. */
int auth_set_tenant(struct db *db, int32_t tenant_id, struct error *e) MUST_CHECK;

/* Slows down guessing: counts failures by key (an address or an account's name) in a bounded table. throttle_check() gives
 * E_TOO_MANY with a retry hint after 10 failures within a minute. Thread-safe. */
int throttle_check(const char *key, struct error *e) MUST_CHECK;
/* The same with another number of failures. */
int throttle_check_of(const char *key, unsigned most, struct error *e) MUST_CHECK;
void throttle_failed(const char *key);
void throttle_ok(const char *key);

#endif
