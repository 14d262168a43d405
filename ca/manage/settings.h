/* Settings of doors: the member settings, an object whose members stand in a table. */
#ifndef SIEGEL_CA_MANAGE_SETTINGS_H
#define SIEGEL_CA_MANAGE_SETTINGS_H
#include "ca/manage.h"

struct setting {
	const char *name; /* NULL in the row behind the last one */
	/* Checks a value; *ret_text is set to the form in which it is stored, where that is another. The error says what would do, without the
	 * name. */
	int (*check)(struct manage *m, const struct setting *s, const json_t *value, const char **ret_text, struct error *e);
	const char *const *words; /* of setting_words(), ended by NULL */
	int64_t min, max;         /* of setting_number() */
};

/* One of the words. */
int setting_words(struct manage *m, const struct setting *s, const json_t *value, const char **ret_text, struct error *e) MUST_CHECK;
/* A whole number from min to max. */
int setting_number(struct manage *m, const struct setting *s, const json_t *value, const char **ret_text, struct error *e) MUST_CHECK;
/* The member settings by that table, as JSON text in the arena; *ret stays when it isn't there. what: "EST label". E_BAD_VALUE at "settings". */
int settings_read(struct manage *m, const char *what, const struct setting *list, const char **ret, struct error *e) MUST_CHECK;
/* Whether text is one of list, which ends with NULL. */
bool word_is_one_of(const char *text, const char *const *list);

#endif
