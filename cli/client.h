/* The REST interface as a client sees it: JSON:API over HTTPS, or over the local socket of siegel-api. */
#ifndef SIEGEL_CLI_CLIENT_H
#define SIEGEL_CLI_CLIENT_H
#include "cli/cli.h"

#define CLIENT_PREFIX "/api/v2.0"

struct client;

/* A client by --url and --cacert, SIEGEL_URL and SIEGEL_CACERT, or for the local socket ([cli] socket, else [sockets] dir) when there
 * is no address. The caller frees *ret. */
int client_new(struct cli *c, struct client **ret, struct error *e) MUST_CHECK;
void client_free(struct client *cl);
DEFINE_CLEANUP(struct client, client_free)
/* Signs in with SIEGEL_TOKEN, --token-file or the file that "login --save" made, in this order. */
int client_use_token(struct client *cl, struct error *e) MUST_CHECK;
/* Signs in with HTTP Basic; secret is wiped memory of the caller's. */
void client_use_basic(struct client *cl, const char *name, const char *secret);
/* A header for all requests that follow; both parts are ours or were checked. */
int client_header(struct client *cl, const char *name, const char *value, struct error *e) MUST_CHECK;

/* One request. path starts after CLIENT_PREFIX and is encoded. body may be NULL. *ret is the document of a 2xx answer, which the
 * caller frees, or NULL when it has none (204). Any other answer is an error with the server's code, pointer and detail. */
int client_call(struct client *cl, const char *method, const char *path, const json_t *body, json_t **ret, struct error *e) MUST_CHECK;
/* POST of a file's octets ("-": standard input), at most LIMIT_RAW_BODY_BYTES; the rest as client_call(). */
int client_send_file(struct client *cl, const char *path, const char *file, json_t **ret, struct error *e) MUST_CHECK;
/* E_PRECONDITION, with the approval's id, when the answer is an approval: what was asked for isn't done. */
int client_done(const json_t *doc, struct error *e) MUST_CHECK;
/* The path of the next page of a collection, in the arena, or NULL at the end. */
const char *client_next(struct client *cl, const json_t *doc);
/* Percent-encoded into the arena. */
char *client_encode(struct client *cl, const char *text) __attribute__((returns_nonnull));
/* ~/.config/siegel/token, in the arena; E_NOT_FOUND without a home. */
int client_token_path(struct arena *a, const char **ret, struct error *e) MUST_CHECK;

/* Text of an attribute of a resource object, "" when there is none. */
const char *resource_text(const json_t *resource, const char *attribute);

#endif
