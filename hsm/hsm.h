/* The key stores: keys live on PKCS#11 tokens, or encrypted in files where no token can hold them. Only an EVP_PKEY leaves, and what
 * was sealed. Linked into siegel-ca alone.
 *
 * A store has a name: a token's is its label (its serial number, when [ca] tokens names it by that alone), that of the encrypted files
 * is "file". Where a name is asked for, "" means the default: the first token if it can do what is wanted, else the files.
 *
 * A key is found by its reference, which is stored with its owner: "token:<hex id>" (the first token), a "pkcs11:" URI with token,
 * serial and id (RFC 7512; the others), or "file:<name>".
 *
 * A store that is away, refuses its PIN or stalls takes nobody else down: its keys give E_KEY_STORE with a time to try again until it
 * is back, and go on to be good then, without being loaded anew. */
#ifndef SIEGEL_HSM_HSM_H
#define SIEGEL_HSM_HSM_H
#include <openssl/evp.h>

#include "hsm/board.h"
#include "lib/buf.h"
#include "lib/config.h"
#include "lib/limits.h"
#include "lib/secret.h"
#include "lib/x509/keytype.h"

#define HSM_REF_BYTES 320
#define HSM_NAME_BYTES 40       /* a PKCS#11 label has at most 32 bytes */
#define HSM_STORES_MAX 17       /* sixteen tokens and the files */
#define HSM_FILE_STORE "file"
#define HSM_SEAL_OVERHEAD 96    /* bytes that hsm_seal() adds, at most */
#define HSM_SEAL_MAX LIMIT_FRAME_BYTES /* bytes of one secret, which a token takes in one call: a PKCS#12 with a chain of SLH-DSA */

struct hsm;

enum hsm_kind { HSM_TOKEN, HSM_FILES };

/* A store's state, for people. */
struct hsm_store {
	char name[HSM_NAME_BYTES];
	enum hsm_kind kind;
	bool is_default;
	bool present;                 /* the token is in its slot; the files' folder is there */
	bool usable;                  /* logged in; the master key is there */
	char why[320];                /* why it isn't usable; "" when it is */
	char label[33], serial[17], manufacturer[33], model[17]; /* of a token, once it was seen */
	long sessions, sessions_max;  /* open on the token, by everybody; -1: the token doesn't say */
	char key_types[512];          /* names of lib/x509/keytype.h that it can make, separated by blanks */
};

/* What [ca] says of key stores makes sense: E_BAD_VALUE if not. Touches no token. */
int hsm_check(const struct config *c, struct error *e) MUST_CHECK;

/* Opens the stores of [ca]: pkcs11_module with token_label and pin_file, tokens, key_dir with master_key. Must be called after fork():
 * a PKCS#11 module doesn't survive one. Fails for a configuration that makes no sense; a store that can't be used at the moment is no
 * failure, its keys are. A PIN is tried once: one that was refused isn't tried again by any process of this engine until its file holds
 * another. The caller frees *ret. */
int hsm_open(const struct config *c, struct hsm **ret, struct error *e) MUST_CHECK;
void hsm_close(struct hsm *h); /* accepts NULL; keys from it must be freed before */
DEFINE_CLEANUP(struct hsm, hsm_close)

/* The private key of a reference. expected is the public key that it must belong to (labels and ids can collide). A key that its token
 * would give out (not sensitive, or extractable) is refused. The caller frees *ret. */
int hsm_key_load(struct hsm *h, const char *ref, EVP_PKEY *expected, EVP_PKEY **ret, struct error *e) MUST_CHECK;

/* Makes a key pair in the named store: on a token sensitive and not extractable, which is read back and checked. label is for people.
 * E_UNSUPPORTED says which store lacks the type. ret_ref takes HSM_REF_BYTES. The caller frees *ret, the private key as
 * hsm_key_load() gives it. */
int hsm_key_generate(struct hsm *h, const char *store, const struct keytype *t, const char *label, char *ret_ref, EVP_PKEY **ret,
		     struct error *e) MUST_CHECK;
/* The same for an RSA key that decrypts as well, without padding (RSA_NO_PADDING), which is the caller's to take off. */
int hsm_key_generate_decrypting(struct hsm *h, const char *store, const struct keytype *t, const char *label, char *ret_ref, EVP_PKEY **ret,
				struct error *e) MUST_CHECK;
/* Puts a private key that came from elsewhere into the named store, on a token so that it never comes out again. As above. */
int hsm_key_import(struct hsm *h, const char *store, EVP_PKEY *key, const struct keytype *t, const char *label, char *ret_ref,
		   struct error *e) MUST_CHECK;
/* Destroys a key, on a token its public key as well. expected as for hsm_key_load(). E_NOT_FOUND when it is gone already. */
int hsm_key_delete(struct hsm *h, const char *ref, EVP_PKEY *expected, struct error *e) MUST_CHECK;

/* Whether the key of a reference rests (below), or its store can't be used now: E_KEY_STORE with a time to try again. Cheap; for asking before an
 * intent is stored, and after a signature failed, for the reason. */
int hsm_ready(struct hsm *h, const char *ref, struct error *e) MUST_CHECK;
/* A key gave a signature that doesn't verify. It rests, the longer the more often it comes to that, and the others of its store go on. When a second
 * key of the same token falls in with it, it is the token: that is closed, and opened again a little later. */
void hsm_distrust(struct hsm *h, const char *ref);
/* A key gave a good one: nothing is held against it any more. */
void hsm_trust(struct hsm *h, const char *ref);
/* Whether a key rests: E_KEY_STORE with the time to try again. */
int hsm_rests(const struct hsm *h, const char *ref, struct error *e) MUST_CHECK;

/* Encrypts a secret under a key of the named store: AES-256-GCM under a secret key of the token, made at first use, sensitive and not
 * extractable; or under the files' master key. context is authenticated with it and must be given again: say what it is and whose
 * ("archive:17"). What is appended to out names store and key, so that keys can be changed. At most HSM_SEAL_MAX bytes. */
int hsm_seal(struct hsm *h, const char *store, const char *context, const void *plain, size_t len, struct buf *out, struct error *e) MUST_CHECK;
/* Undoes it. E_KEY_STORE with a time to try again when the store is away, without one when data or context are wrong. The caller frees
 * *ret. */
int hsm_unseal(struct hsm *h, const char *context, struct bytes sealed, struct secret **ret, struct error *e) MUST_CHECK;
/* Makes a new sealing key in the named token; from now on it seals there. Older ones go on to open. Files: E_UNSUPPORTED, their master
 * key is a matter of configuration. */
int hsm_seal_rotate(struct hsm *h, const char *store, struct error *e) MUST_CHECK;
/* Whether it was sealed with the key that the named store seals with today; if not, unsealing and sealing it again makes it so. */
int hsm_seal_current(struct hsm *h, const char *store, struct bytes sealed, bool *ret, struct error *e) MUST_CHECK;

/* The stores in the order of the configuration, the files last. The number written, at most max. */
size_t hsm_stores(struct hsm *h, struct hsm_store *ret, size_t max);
/* Whether all stores can be used; asks no module. */
bool hsm_usable(const struct hsm *h);
/* For the loop of a process, about each second: opens what is closed and due to be tried again. True: *ret is a store that became
 * usable or ceased to be since the last call (for the log); call it again until it is false. */
bool hsm_tend(struct hsm *h, struct hsm_store *ret);

#endif
