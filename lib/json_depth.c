#include "lib/json_depth.h"

bool
json_is_deeper(struct bytes text, int most)
{
	int depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > most)
				return true;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return false;
}
