/* The list of extensions, in the order in which they stand in a certificate. One line each. */
#include "ca/ext.h"

#define EXTENSIONS(X)                                                                                                              \
	X(aki)                                                                                                                     \
	X(ski)                                                                                                                     \
	X(key_usage)                                                                                                               \
	X(eku)                                                                                                                     \
	X(basic_constraints)                                                                                                       \
	X(san)                                                                                                                     \
	X(aia)                                                                                                                     \
	X(cdp)                                                                                                                     \
	X(policies)                                                                                                                \
	X(policy_constraints)                                                                                                      \
	X(inhibit_any_policy)                                                                                                      \
	X(name_constraints)                                                                                                        \
	X(tls_feature)                                                                                                                \
	X(ocsp_nocheck)

#define DECLARE(name) extern const struct ext ext_##name;
#define ROW(name) &ext_##name,

EXTENSIONS(DECLARE)
const struct ext *const ext_list[] = {EXTENSIONS(ROW)};
const size_t ext_count = ARRAY_LEN(ext_list);
