/* How a secret is delivered: wrapped under another key, or for the holder of a certificate. */
#ifndef SIEGEL_CA_MANAGE_SECRET_WRAP_H
#define SIEGEL_CA_MANAGE_SECRET_WRAP_H
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/secret.h"

/* AES key wrap under a key of 16, 24 or 32 octets: RFC 3394 for a multiple of 8 octets from 16 on, or with padding RFC 5649 for any. E_BAD_VALUE
 * for lengths that don't fit. Appends to out. */
int secret_wrap_aes(const struct secret *kek, bool padded, const struct secret *value, struct buf *out, struct error *e) MUST_CHECK;
/* CMS EnvelopedData (RFC 5652 6) with AES-256 for the certificate (PEM). E_BAD_VALUE when it is none, has expired, or its key can't be encrypted
 * for. Appends DER to out. */
int secret_wrap_cms(struct arena *a, const char *recipient_pem, struct bytes value, struct buf *out, struct error *e) MUST_CHECK;

#endif
