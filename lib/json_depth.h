/* How deep a JSON text nests: jansson recurses, so that what nests deeper than any document of ours is refused before it reads it. */
#ifndef SIEGEL_LIB_JSON_DEPTH_H
#define SIEGEL_LIB_JSON_DEPTH_H
#include <stdbool.h>
#include "lib/mem.h"

/* True when objects and arrays (RFC 8259) stand in each other more than most deep. Whether it is JSON at all isn't said; brackets in strings don't
 * count. */
bool json_is_deeper(struct bytes text, int most);

#endif
