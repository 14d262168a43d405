/* What hsm.c and wrap.c share: the stores themselves. */
#ifndef SIEGEL_HSM_STORES_H
#define SIEGEL_HSM_STORES_H
#include "hsm/board.h"
#include "hsm/hsm.h"
#include "hsm/master.h"
#include "hsm/token.h"

/* A key whose signatures didn't verify. */
struct suspect {
	char ref[HSM_REF_BYTES];
	const struct token *token; /* NULL: in a file */
	unsigned failures;
	int64_t since_us, until_us; /* until_us: it rests until then */
};

struct hsm {
	struct token *tokens[BOARD_STORES];
	size_t n_tokens;
	bool plain_first;      /* the first is that of token_label: "token:" references mean it */
	char *master_text;     /* NULL: there is no encrypted key store */
	const char *key_dir;
	struct master *master; /* NULL: not open yet */
	struct error files_why;
	int64_t files_retry_us;
	bool told[HSM_STORES_MAX], usable[HSM_STORES_MAX]; /* for hsm_tend() */
	struct suspect *suspects;
	size_t n_suspects;
};

/* The token of that name; NULL: none has it. */
struct token *stores_token(const struct hsm *h, const char *name);
/* Opens the files' master keys if that wasn't done. */
int stores_open_files(struct hsm *h, struct error *e) MUST_CHECK;

#endif
