/* The server's own description of its resources (OpenAPI), and what a word of the command line becomes by it. */
#ifndef SIEGEL_CLI_DESCRIPTION_H
#define SIEGEL_CLI_DESCRIPTION_H
#include "cli/client.h"

/* The members of a request by method ("post") and pattern ("/jobs/{id}/cancel"), of *doc. NULL: nothing is known of them. */
const json_t *description_inputs(const json_t *doc, const char *method, const char *pattern);
/* The attributes that a resource's answers have, those that are shown once as well. NULL: nothing is known of them. */
const json_t *description_outputs(const json_t *doc, const char *resource);
/* The type of a member, "integer"; "" when it isn't known or may be anything. */
const char *description_type(const json_t *members, const char *name);
/* Whether NAME=VALUE makes all that the member may be: texts, numbers, true or false, lists of texts. */
bool description_plain(const json_t *members, const char *name);
/* Whether its answer is a page for people, and no document. */
bool description_is_page(const json_t *path_item);
/* VALUE of NAME=VALUE as the member's type: a number, true or false, texts between commas (or a JSON array); else a text. The caller frees
 * *ret. E_BAD_VALUE. */
int description_value(struct arena *a, const json_t *members, const char *name, const char *text, json_t **ret, struct error *e) MUST_CHECK;

#endif
