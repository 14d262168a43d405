/* The seal on a certificate's status in the store: a row that somebody changed there without the engine is noticed where its status is told. The
 * engine's database sessions have the key and a trigger computes the code (migrations/0014_status_mac.sql); siegel-va computes it anew. */
#ifndef SIEGEL_LIB_STATUS_MAC_H
#define SIEGEL_LIB_STATUS_MAC_H
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/mem.h"

#define STATUS_MAC_BYTES 16

/* HMAC-SHA256's two pads for a key (RFC 2104 2), which the store wants: it knows SHA-256 and no HMAC. */
struct status_key {
	uint8_t inner[64], outer[64];
};

/* The key, derived from that of [ca] ocsp_key_file, which the engine and siegel-va share. */
int status_key_read(const char *ocsp_key_file, struct status_key *ret, struct error *e) MUST_CHECK;
/* The first STATUS_MAC_BYTES of HMAC-SHA256 over: CA's id (4 octets), length of the serial number (2) and the number, status as stored (2),
 * time of revocation in seconds since 1970 or 0 (8), reason or 0 (2); most significant octet first. */
void status_mac(const struct status_key *key, int32_t ca_id, struct bytes serial, int status, int64_t revoked_at, int reason,
                uint8_t ret[STATUS_MAC_BYTES]);

#endif
