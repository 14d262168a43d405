/* The job that imports what another PKI issued: CAs, with their keys where they come along, certificates, revocations. It goes through the
 * files three times: CAs and keys first, so that the order of files doesn't matter; then certificates; then revocations and the keys of
 * certificates. Last it puts the CAs into service: before that no CRL of ours says that what was revoked isn't. */
#ifndef SIEGEL_CA_IMPORT_IMPORT_H
#define SIEGEL_CA_IMPORT_IMPORT_H
#include "ca/import/csv.h"
#include "ca/import/split.h"
#include "ca/jobs.h"
#include "lib/x509/cert.h"

/* What an import's key is sealed for, and what a part of a file is. */
const char *import_context(struct arena *a, int64_t import) __attribute__((returns_nonnull));
const char *import_part_context(struct arena *a, int64_t file, int64_t n) __attribute__((returns_nonnull));

#define IMPORT_ISSUERS 8 /* certificates of one issuer that are looked at: they say the same of its key */

/* A CA certificate of the import. */
struct import_ca {
	struct bytes der;      /* in the job's arena */
	struct cert cert;
	struct bytes ski, aki; /* key identifiers; aki empty when the certificate names none */
	uint8_t spki_hash[32];
	const struct keytype *type;
	EVP_PKEY *public_key, *private_key; /* private_key NULL: didn't come along */
	const char *where;     /* "file chain.pem, item 2" */
	const char *fault;     /* why it isn't taken; NULL: it is */
	const struct sigalg *signature; /* that its key is bound to; NULL: to none */
	int32_t id;            /* of the CA, once it has its place */
	bool placed, root;
	bool false_key;        /* a private key came along that names its public key, and isn't the other half of it */
	size_t issuers[IMPORT_ISSUERS], n_issuers; /* who signed it, among the CAs of the import: certificates of one key */
	bool looked;           /* known is good */
	int32_t known;         /* who signed it, among the CAs that are here already; 0: nobody */
};

struct import_file {
	int64_t id;
	const char *name;
};

/* What the first pass does: it notes CAs, then keys, finds out who signed whom, and stores. */
enum import_stage { IMPORT_CAS, IMPORT_KEYS, IMPORT_LINKS, IMPORT_PLACES };

/* Between two steps. */
struct import_job {
	struct arena *arena;   /* of the job; wiped when it is freed */
	int64_t id;
	struct secret *key;    /* opens the parts */
	const char *profile, *key_store, *base_url, *owner, *metadata;
	bool archive_keys;
	struct import_file *files;
	size_t n_files;
	struct password_row *passwords;
	size_t n_passwords;
	struct import_ca *cas;
	size_t n_cas;
	struct split split;    /* of the file that is being worked on: a view of one of those below */
	struct split *splits;  /* what came out of each file, as far as it is kept; memory NULL: it has to be taken apart again */
	size_t kept_bytes;
	enum import_stage stage; /* of the first pass, and how far it is */
	size_t at_file, at_item;
	int64_t total;         /* items of the files so far */
	int64_t until_us;      /* the step is to end then */
	int64_t cpu_us;        /* that it took so far, as far as that is bounded for the whole import */
};

/* Whether the step has had its time. */
bool import_time_is_up(const struct import_job *i);

/* The content of a file; the caller frees *ret. */
int import_read(struct job_run *j, struct import_job *i, const struct import_file *f, struct secret **ret, struct error *e) MUST_CHECK;
/* Makes i->split what comes out of file n. */
int import_split(struct job_run *j, struct import_job *i, size_t n, struct error *e) MUST_CHECK;
/* "file chain.pem, item 2", in the arena. */
const char *import_where(struct arena *a, const struct import_job *i, size_t file, size_t item) __attribute__((returns_nonnull));

/* Notes a CA certificate of the first pass. What can't be read is left to the second pass, which reports it. */
int import_note(struct import_job *i, size_t file, size_t item, const struct split_item *s, struct error *e) MUST_CHECK;
/* The other stages of the first pass, as far as the step's time goes; *ret_done: the stage is over. Keys go to the CAs whose they are. */
int import_keys(struct job_run *j, struct import_job *i, bool *ret_done, struct error *e) MUST_CHECK;
/* Finds out which CAs of the import signed which. */
void import_link(struct import_job *i, bool *ret_done);
/* Gives the CAs their places, parents first, stores them and their keys, with an item each. */
int import_place(struct job_run *j, struct import_job *i, bool *ret_done, struct error *e) MUST_CHECK;
/* Whether a private key is the other half of its public one, in memory alone. */
bool import_pair_fits(EVP_PKEY *key);
/* Puts the CAs with keys into service. */
int import_activate(struct job_run *j, struct import_job *i, struct error *e) MUST_CHECK;

/* The CA that issued a certificate or a CRL: by key identifier or name, and by its signature. NULL with *e when there is none. */
struct authority *import_issuer(struct job_run *j, struct bytes issuer, struct bytes aki, struct bytes tbs, struct bytes algorithm,
                                struct bytes signature, struct error *e);
/* The key identifier that a certificate's or CRL's AuthorityKeyIdentifier names (content of the extension); empty when there is none. */
struct bytes import_aki(struct bytes extension);

/* The certificates among n items from *first on, at most a step's worth; *first moves behind them. */
int import_certificates(struct job_run *j, struct import_job *i, size_t file, size_t *first, struct error *e) MUST_CHECK;
/* A CRL, whole. */
int import_crl(struct job_run *j, struct import_job *i, size_t file, size_t item, struct error *e) MUST_CHECK;
/* A private key that belongs to no CA: archived when the import says so. */
int import_leaf_key(struct job_run *j, struct import_job *i, size_t file, size_t item, struct error *e) MUST_CHECK;

#endif
