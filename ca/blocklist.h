/* Lists of keys that are known to be weak or lost, read once when the engine starts, before it forks: Debian's weak RSA keys
 * (CVE-2008-0166) and SHA-256 hashes of whole SubjectPublicKeyInfos. doc/weak-keys.md says what an operator puts there. */
#ifndef SIEGEL_CA_BLOCKLIST_H
#define SIEGEL_CA_BLOCKLIST_H
#include <openssl/bn.h>
#include <stdbool.h>

#include "lib/error.h"
#include "lib/mem.h"

/* Reads all files of the folder in place of what was read before: blacklist.RSA-<bits> as in Debian's package openssl-blacklist (on each
 * line the last 20 hexadecimal digits of the SHA-1 of "Modulus=<modulus in capital digits>\n") and <name>.spki (64 hexadecimal digits on
 * each line). Blank lines and those that begin with # are left out. "": no lists. E_BAD_VALUE names the file and line that can't be
 * read, or a file that is neither: a list that isn't used must not seem to be. */
int blocklist_load(const char *dir, struct error *e) MUST_CHECK;
/* How many keys are on the lists. */
size_t blocklist_count(void);
/* Is an RSA key with this modulus on the lists? */
bool blocklist_has_modulus(const BIGNUM *n);
/* Is the key of a SubjectPublicKeyInfo with this algorithm (DER) and these bits? */
bool blocklist_has_spki(struct bytes algorithm, struct bytes bits);

#endif
