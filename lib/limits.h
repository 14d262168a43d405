/* All limits of the product, each with its reason. */
#ifndef SIEGEL_LIB_LIMITS_H
#define SIEGEL_LIB_LIMITS_H

/* HTTP */
#define LIMIT_BODY_BYTES (128 * 1024)     /* a CSR with an ML-DSA-87 or SLH-DSA key and signature is under 64 KiB as PEM */
#define LIMIT_RAW_BODY_BYTES (16 * 1024 * 1024) /* a file to import: some ten thousand certificates */
#define LIMIT_OCSP_REQUEST_BYTES (20 * 1024) /* 20 certificate ids and a signature; RFC 5019 clients send under 255 bytes */
#define LIMIT_URI_BYTES 8192              /* OCSP by GET is the longest; nginx refuses more before us */
#define LIMIT_BIG_REQUEST_MS 300000       /* the same for a file of LIMIT_RAW_BODY_BYTES over a line of half a megabit */
#define LIMIT_REQUEST_MS 30000            /* absolute, from first byte to answer; nginx has its own, shorter for the header */
#define LIMIT_REQUEST_ARENA_BYTES (4 * 1024 * 1024) /* a request's plain memory: body, JSON text and a page of resources */

/* JSON:API */
#define LIMIT_JSON_DEPTH 16               /* our deepest document is 5 */
#define LIMIT_LISTS 24 /* lists under way in siegel-api, most of them waiting for a connection: each holds a thread that issuing may need */
#define LIMIT_PAGE_SIZE 500
#define LIMIT_FOUND_IDS 1000         /* that one look-up of a filter may give: each is a comparison for every row */
#define LIMIT_DASHBOARD_DAYS 366     /* counts of a year, and a leap day */
#define LIMIT_FILTERS 16
#define LIMIT_FILTER_GROUPS 8 /* alternatives, of which one has to fit */
#define LIMIT_SAVED_QUERIES 100      /* of an account: what a person can tell apart */
#define LIMIT_SAVED_QUERY_BYTES 4096 /* its parameters: they go into an address */
#define LIMIT_EXPORT_COLUMNS 64      /* all attributes, and as many keys of metadata */
#define LIMIT_EXPORTS 4              /* under way in siegel-api: each holds a thread, and now and then a connection of those for lists */
#define LIMIT_EXPORTS_TENANT 2       /* of them for one tenant: it leaves room for another */
#define LIMIT_EXPORT_SEC (4 * 3600)  /* ten million rows over a slow line */
#define LIMIT_INCLUDES 4                  /* collections that include= may add to an answer, each a statement */

/* Owners and metadata */
#define LIMIT_METADATA_KEYS 64            /* R23: what people sort their devices by; a document isn't metadata */
#define LIMIT_METADATA_KEY_BYTES 64
#define LIMIT_METADATA_VALUE_BYTES 1024

/* Policies: what a request costs at most. A condition of four terms takes 1.6 µs */
#define LIMIT_POLICIES 64                 /* of a tenant */
#define LIMIT_POLICY_RULES 32             /* of a policy */
#define LIMIT_POLICY_TENANT_RULES 256     /* in force in a tenant: under half a millisecond for a request that all are about */
#define LIMIT_POLICY_OPERATIONS 32
#define LIMIT_POLICY_PATH_BYTES 1000      /* of a condition; twenty terms */
#define LIMIT_POLICY_PATH_US 1000         /* of a condition, tried on the largest request when it is saved */
#define LIMIT_POLICY_MS 1000              /* of all conditions on what a client sent: 32 rules at their dearest are under 200 ms */
#define LIMIT_POLICY_DRY_RUN_MS 5000      /* on stored certificates, of a dry run that waits for no job */
#define LIMIT_JOB_QUERY_MS 1000           /* of conditions on stored certificates in one step of a job: the others wait for it */
#define LIMIT_POLICY_REGEX_BYTES 200
#define LIMIT_POLICY_REGEX_COUNT 1000     /* the product of its counts: PostgreSQL writes {n} out n times */
#define LIMIT_APPROVAL_DAYS 14            /* that a request waits for people */

#define LIMIT_DRY_RUN_QUICK 20000         /* certificates of a dry run that waits for no job: under a second */
#define LIMIT_JUDGED 2000                 /* certificates of a choice of many of which it says what the policies would say */
#define LIMIT_COUNTS_KEPT 20              /* of a tenant, by jobs: 80 MB each among ten million certificates */
#define LIMIT_CHOICE_IDS 10000            /* certificates that a list may name: within a frame */
#define LIMIT_CHOICE_VALUES 100           /* values of one filter of a choice */

/* X.509 */
#define LIMIT_CSR_BYTES 65536             /* see LIMIT_BODY_BYTES */
#define LIMIT_CSR_ATTRIBUTES 16
#define LIMIT_DER_DEPTH 16                /* a CSR nests 9 deep */
#define LIMIT_SAN_COUNT 100
#define LIMIT_SAN_BYTES 255               /* a DNS name; URIs and mail addresses are held to it too */
#define LIMIT_RDN_COUNT 16
#define LIMIT_CN_CHARS 64                 /* ub-common-name, RFC 5280 appendix A */
#define LIMIT_CHAIN_LENGTH 32             /* certificates from one of ours to its root: a row that went wrong makes no endless loop */
#define LIMIT_CERT_BYTES 65536
#define LIMIT_VALIDITY_DAYS 36525         /* 100 years: hard ceiling for a root; leaf profiles stay far below */
#define LIMIT_CA_DEPTH 32                 /* CAs above each other: verifiers stop far earlier (OpenSSL at 100, most at 8 to 10) */
#define LIMIT_LEAF_VALIDITY_DAYS 7305     /* 20 years: devices that live twenty years with their first certificate */
#define LIMIT_SERIAL_BYTES 20             /* RFC 5280 4.1.2.2 */
#define LIMIT_RSA_MIN_BITS 2048           /* 112 bits of strength (NIST SP 800-57 part 1, table 2); less can't be configured */
#define LIMIT_RSA_MAX_BITS 8192           /* a signature of 8192 bits is verified in under a millisecond, 16,384 cost four */
#define LIMIT_WEAK_KEYS 4000000           /* on the lists of [ca] weak_key_dir: 128 MiB at most, shared by all workers */
#define LIMIT_EC_MIN_BITS 224             /* of a curve's order: 112 bits of strength, as RSA above */

/* Imports */
#define LIMIT_IMPORT_FILE_BYTES (16 * 1024 * 1024) /* some ten thousand certificates; more go into several files */
#define LIMIT_IMPORT_FILES 10000
#define LIMIT_IMPORT_ITERATIONS 1000000        /* I01: OpenSSL writes 2048, the strictest advice is 600,000 */
#define LIMIT_IMPORT_SCRYPT_BYTES (64L * 1024 * 1024)
#define LIMIT_IMPORT_SALT_BYTES 1024
#define LIMIT_IMPORT_PASSWORDS 8               /* for one file: each costs a key derivation */
#define LIMIT_IMPORT_PASSWORD_ROWS 10000
#define LIMIT_IMPORT_BLOCKS 100000             /* PEM blocks of a file */
#define LIMIT_IMPORT_BAGS 20000                /* of a PKCS#12 */
#define LIMIT_IMPORT_BAG_DEPTH 8
#define LIMIT_IMPORT_CAS 2000                  /* CA certificates of one import, held in memory */
#define LIMIT_IMPORT_CPU_SEC 5                 /* for one file: 16 MiB of certificates take under one */
/* For all files of an import, which are taken apart up to three times: a thousand keys behind 600,000 iterations each. */
#define LIMIT_IMPORT_TOTAL_CPU_SEC 1200
#define LIMIT_IMPORT_MEMORY_BYTES (384L * 1024 * 1024)

/* OCSP (RFC 6960, 9654) */
#define LIMIT_OCSP_CERTIDS 20
#define LIMIT_OCSP_NONCE_BYTES 128

/* SCEP (RFC 8894) */
#define LIMIT_SCEP_TRANSACTION_BYTES 128  /* clients send the digest of a key in hexadecimal: 32 to 128 */
#define LIMIT_SCEP_NONCE_BYTES 64         /* 16 by RFC 8894 3.2.1.5 */
#define LIMIT_SCEP_CRL_BYTES (512 * 1024) /* a longer list is fetched where certificates say: an answer holds it five times */
#define LIMIT_SCEP_TEXT_BYTES 200         /* of a failInfoText (RFC 8894 3.2.1.4.1) */

/* ACME (RFC 8555) */
#define LIMIT_ACME_NAMES 100              /* in an order, whatever its directory says: one certificate has so many (LIMIT_SAN_COUNT) */
#define LIMIT_ACME_CONTACTS 10            /* of an account: more than that nobody writes to */
#define LIMIT_ACME_CONTACT_BYTES 254      /* a mail address, RFC 5321 4.5.3.1.3 */
#define LIMIT_ACME_PAGE 100               /* orders in a page of an account's list */
#define LIMIT_ACME_BINDING_BYTES 8192     /* an externalAccountBinding: around an RSA key of 8192 bits it has 3 KiB */
#define LIMIT_ACME_CERTID_BYTES 160       /* a certificate identifier (RFC 9773 4.1): key identifier of 64 octets, serial number of 21: 115 */

/* Validation (RFC 8555 8, RFC 8737, RFC 8659): siegel-acme-probe reads what anybody put up */
#define LIMIT_PROBE_TASK_MS 60000         /* of one task, before a client takes it for lost */
#define LIMIT_PROBE_DEFAULT_MS 10000      /* when the task doesn't say; a server that people wait for answers within one second */
#define LIMIT_PROBE_CONNECT_MS 4000       /* for one address, when there is another to try */
#define LIMIT_PROBE_ADDRESSES 2           /* tried of each family: a server with two interfaces, one of them down */
#define LIMIT_PROBE_HOPS 10               /* redirects, as Boulder */
#define LIMIT_PROBE_URL_BYTES 2000        /* of a redirect, as Boulder */
#define LIMIT_PROBE_BODY_BYTES 128        /* beyond the key authorization: blanks and line ends */
#define LIMIT_PROBE_STEPS 64              /* lines of a finding, and bytes of each: what a person reads, and an order's row holds */
#define LIMIT_PROBE_STEP_BYTES 512
#define LIMIT_PROBE_NETWORKS 64           /* that a directory may name */
#define LIMIT_PROBE_ARENA_BYTES (1024 * 1024) /* a task's plain memory: steps, addresses of a few hops */
#define LIMIT_PROBE_CERT_BYTES 16384      /* one that a tls-alpn-01 responder made: under 1 KiB, under 10 KiB with ML-DSA */

/* Messages between processes */
#define LIMIT_FRAME_BYTES (256 * 1024)    /* a CSR, names and evidence; an answer with key, certificate and chain */
#define LIMIT_IDEMPOTENCY_KEY_BYTES 255
#define LIMIT_ENGINE_CALL_MS 20000
#define LIMIT_MANAGE_CALL_MS 150000       /* a token may take two minutes to make an RSA key of 8192 bits */
#define LIMIT_CONTENT_BYTES (128 * 1024)  /* one piece of a file on its way to the engine; it leaves room in a frame for what goes with it */
#define LIMIT_IDENTITIES 4                /* that one request has to be: its code's and its certificate's are two */
#define LIMIT_BATCH 128                   /* certificates in one commit */

/* Secrets and accounts */
#define LIMIT_PASSWORD_BYTES 1024         /* W07: hashing is bounded before it starts */
#define LIMIT_TOKEN_BYTES 128
#define LIMIT_SECRET_FILE_BYTES 4096
#define LIMIT_TOKENS 100                  /* of an account, by signing in: the oldest end */
#define LIMIT_SESSIONS 20                /* of an account, of browsers: the oldest end */
#define LIMIT_PASSWORD_CHARS 12          /* of a password that somebody chooses, beside a second factor (NIST SP 800-63B wants 8) */
#define LIMIT_FILE_PASSWORD_CHARS 8      /* at least, of one that a file with a key is encrypted by (NIST SP 800-63B 5.1.1.1) */
#define LIMIT_PASSWORD_HASHES 4          /* under way in siegel-api: 32 MiB each */
#define LIMIT_PASSKEYS 20                /* of an account: a device each */
#define LIMIT_ROLE_PROFILES 100          /* that a role may name: more are all of them, and each is looked for at each request */
#define LIMIT_OWNERS 100                 /* that an account is responsible for: the store looks for the certificates of each */
#define LIMIT_CREDENTIALS 20              /* of an account, that are good: more than a person has devices */
#define LIMIT_PASSWORD_ITERATIONS 20000   /* PBKDF2 of a message from somebody who isn't known yet: it costs as much as an RSA operation */
#define LIMIT_BATCH_ITEMS 5000            /* of one request for many: a list of serial numbers within LIMIT_BODY_BYTES */
#define LIMIT_BATCH_RESULT_DAYS 14        /* keys that were made for it can be fetched for so long */
#define LIMIT_BATCH_OPEN 20               /* requests for many of one account that aren't done */
#define LIMIT_BATCH_LEFT 20000            /* items of all these that are open, or wait for somebody: some GiB of requests at most */
#define LIMIT_SECRET_BYTES 16384          /* one that is kept for others: a key, a password, a small file */


/* Enrolment */
#define LIMIT_ANCHORS 16                  /* of a door: a manufacturer has few roots, and all of them are tried */
#define LIMIT_ANCHORS_BYTES 98304         /* of them as PEM: half of what a frame holds */
#define LIMIT_CODES 500                   /* made at once: their secrets come back in one frame */
#define LIMIT_CODE_HOURS 8784             /* that a code is good for: a year */
#define LIMIT_CHALLENGE_BYTES 128
#define LIMIT_MAC_CONTENT_BYTES 16384     /* a signed account key of ACME: around RSA of 8192 bits it has 3 KiB */
#define LIMIT_REVOKE_MESSAGE_BYTES 65536  /* that a certificate's key signs to have it revoked (RFC 8555 7.6): twice base64 of it */
#define LIMIT_ACME_KEY_HOURS 87840        /* in which accounts are made with an external account key: ten years */
#define LIMIT_DIRECTORY_PROFILES 20       /* that a directory of ACME offers: all of them are in its answer */

/* ACME's device-attest-01 */
#define LIMIT_ATTESTATION_BYTES 65536     /* a chain of a TPM's attestation key and what it signed are under 16 KiB */
#define LIMIT_ATTESTATION_CERTS 8         /* of the chain: manufacturers have two or three */

#define LIMIT_LOG_VALUE 512               /* bytes of one value in a log line */

#endif
