/* The constraints of an imported CA's certificate, against a certificate with a name of each kind. */
#include <stdlib.h>
#include <string.h>

#include "ca/constraints.h"
#include "lib/x509/oid.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const texts[NAME_KIND_COUNT] = {"*.a.example.com", "10.0.0.7", "a@x.example.com", "https://a.example.com/x", "a@example.com",
	    "1.2.3:0a", "1.2.3", "A-1"};
	struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct profile profile = {.name = "fuzz", .n_purposes = 1, .purposes = {OID_EKU_SERVER_AUTH}};
	struct dn_value subject = {dn_type_by_name("CN"), "a"};
	struct name names[NAME_KIND_COUNT];
	struct cert issuer = {.n_extensions = 2, .extensions = {{OID_BASIC_CONSTRAINTS, true, OID_BYTES("\x30\x03\x01\x01\xff")},
								  {OID_NAME_CONSTRAINTS, true, {data, size}}}};
	struct tbs_input in = {.ext = {.profile = &profile, .names = names, .n_names = NAME_KIND_COUNT}, .subject = &subject, .n_subject = 1};
	struct error e;

	for (int i = 0; i < NAME_KIND_COUNT; i++)
		if (name_make(a, (enum name_kind)i, texts[i], strlen(texts[i]), true, &names[i], &e) < 0)
			abort();
	if (size <= LIMIT_CERT_BYTES)
		(void)!constraints_check(&issuer, 0, &in, &e);
	arena_free(a);
	return 0;
}
