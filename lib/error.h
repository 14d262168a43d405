/* Errors: one struct that the caller owns, filled in one way. */
#ifndef SIEGEL_LIB_ERROR_H
#define SIEGEL_LIB_ERROR_H
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

enum error_code {
#define ERROR(code, http, scep, cmc, acme_http, acme, name, title) E_##code,
#include "lib/errors.def"
#undef ERROR
	E_COUNT
};

/* What went wrong, for the one who asked. No secret and nothing internal is ever put here. */
#define ERROR_VALUES 8
struct error {
	enum error_code code;
	unsigned retry_after_sec; /* 0: no hint */
	char pointer[96];         /* JSON pointer or field name that is at fault; "" when none is */
	char detail[320];         /* lower case, no full stop, says what is wrong and what would be right */
	/* Which parts of detail stand where the text had a conversion: what is left is the text, always the same for the same cause, by which it is
	 * found in another language. */
	unsigned n_values;
	struct {
		uint16_t at, len;
	} values[ERROR_VALUES];
	char message_de[208]; /* the German of values[0], when whoever wrote it wrote that too (a rule of a policy); "" else */
};

/* Fills *e and returns -1, so that `return fail(e, E_…, "…")` is the one way to fail. Clears pointer and retry hint.
 * Control characters in the text are replaced by '?'. Text that is too long is cut. */
int fail(struct error *e, enum error_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Like fail(), and names the field at fault (a JSON pointer such as "/data/attributes/cn"). */
int fail_at(struct error *e, enum error_code code, const char *pointer, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Notes the German of the text's first value; cut where it is too long, and cleaned as detail is. "" for none. */
void error_german(struct error *e, const char *text);

/* The same failure under another code, or of another field; its text stays. */
int fail_again(struct error *e, enum error_code code, const char *pointer);

/* The HTTP status of the row. A code from outside the list counts as E_INTERNAL here and below. */
int error_http_status(enum error_code code);
/* SCEP's failInfo for it, RFC 8894 3.2.1.4.5. */
int error_scep_fail_info(enum error_code code);
/* CMCFailInfo for it, RFC 5272 6.1.4. */
int error_cmc_fail_info(enum error_code code);
/* The HTTP status of an ACME problem for it, and its type without "urn:ietf:params:acme:error:" (RFC 8555 6.7); never NULL. */
int error_acme_status(enum error_code code);
const char *error_acme_type(enum error_code code);
/* So that the compiler knows what they give back. */
#define fail(...) ({ fail(__VA_ARGS__); -1; })
#define fail_at(...) ({ fail_at(__VA_ARGS__); -1; })
#define fail_again(...) ({ fail_again(__VA_ARGS__); -1; })

/* The stable machine-readable name, "bad_csr"; never NULL. */
const char *error_name(enum error_code code);
/* The title for people; never NULL. */
const char *error_title(enum error_code code);

#endif
