/* siegel.conf(5): one INI file for all processes, read with inih, checked against lib/options.def. */
#ifndef SIEGEL_LIB_CONFIG_H
#define SIEGEL_LIB_CONFIG_H
#include "lib/error.h"
#include "lib/mem.h"

enum option_id {
#define OPTION(section, key, type, def, min, max, help) OPT_##section##_##key,
#include "lib/options.def"
#undef OPTION
	OPT_COUNT
};

enum option_type { OPTION_STR, OPTION_INT, OPTION_PATH };

struct option_row {
	const char *section, *key;
	enum option_type type;
	const char *def;
	long min, max;
	const char *help;
};
/* The table in order of enum option_id. */
extern const struct option_row option_table[OPT_COUNT];

struct config;

/* Reads and checks the whole file: an unknown section or key, a value out of range, a key given twice or a path that isn't
 * absolute is refused with file and line. A line that begins with a blank goes on with the text before it, after a blank. The caller frees *ret. */
int config_load(const char *path, struct config **ret, struct error *e) MUST_CHECK;
void config_free(struct config *c);
DEFINE_CLEANUP(struct config, config_free)

/* Value or default. The pointer lives as long as the configuration; never NULL, "" when unset. */
const char *config_str(const struct config *c, enum option_id id);
long config_int(const struct config *c, enum option_id id);

#endif
