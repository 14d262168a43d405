#include "lib/rights.h"

#include <string.h>

#include "lib/mem.h"

static const struct {
	const char *word, *text;
	bool changes;
} rows[RIGHT_COUNT] = {
    [RIGHT_PUBLIC] = {"public", "what needs no sign-in", false},
    [RIGHT_BASIC] = {"basic", "sign in", false},
    [RIGHT_ACCOUNT] = {"account", "look after one's own account", false},
#define RIGHT(name, word, changes, text) [RIGHT_##name] = {word, text, changes},
#include "lib/rights.def"
#undef RIGHT
};

const char *
right_word(enum right r)
{
	return (unsigned)r < RIGHT_COUNT ? rows[r].word : "";
}

enum right
right_parse(const char *word)
{
	for (int r = RIGHT_ACCOUNT + 1; r < RIGHT_COUNT; r++)
		if (strcmp(rows[r].word, word) == 0)
			return (enum right)r;
	return RIGHT_COUNT;
}

const char *
right_text(enum right r)
{
	return (unsigned)r < RIGHT_COUNT ? rows[r].text : "";
}

bool
right_changes(enum right r)
{
	return (unsigned)r < RIGHT_COUNT && rows[r].changes;
}

uint64_t
rights_parse(const char *array)
{
	uint64_t set = 0;
	char word[64];
	for (const char *p = array; *p;) {
		size_t len = strcspn(p, "{,}\"");
		if (len > 0 && len < sizeof(word)) {
			memcpy(word, p, len);
			word[len] = '\0';
			enum right r = right_parse(word);
			if (r != RIGHT_COUNT)
				set |= RIGHT_BIT(r);
		}
		p += len + (p[len] != '\0');
	}
	return set;
}
