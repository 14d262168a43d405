/* Certificates that aren't ours, under trust anchors that a door names: those that manufacturers gave their devices (IEEE 802.1AR IDevID). */
#ifndef SIEGEL_ENROLL_ANCHOR_H
#define SIEGEL_ENROLL_ANCHOR_H
#include "enroll/endpoint.h"

/* The client certificate (PEM) under the door's anchors → principal with evidence "anchor" and the certificate's DER. It has to be valid now, no
 * CA's, for clientAuth if it names purposes, with signatures of 112 bits of strength; each certificate between it and the anchor has to be among
 * the anchors. An anchor that is the certificate itself counts when it is so byte for byte. *ret_rule is what the request has to come down to by
 * the door's setting names_from: "serial_number" (the subject's serialNumber, and nobody else's names; a certificate without one is refused),
 * "serial_number_only" (that number, whatever else), "same" (subject and names) or "any". E_FORBIDDEN names the cause. All of it in the arena. */
int enroll_anchor_verify(const struct endpoint *ep, const char *pem, struct arena *a, struct principal *ret_who, struct enroll_identity *ret_rule,
                         struct error *e) MUST_CHECK;
/* A certificate (DER) under the door's anchors, perhaps by way of others (DER) that came with it, which are trusted for nothing else. Valid now, with
 * signatures of 112 bits of strength, each issuer a CA's; purpose is OpenSSL's X509_PURPOSE_… or 0 for any. what is its name in errors, as in "client
 * certificate". E_FORBIDDEN names the cause. RFC 5280 6. */
int enroll_anchor_chain(const struct endpoint *ep, struct bytes der, const struct bytes *others, size_t n_others, int purpose, const char *what,
                        struct arena *a, struct error *e) MUST_CHECK;

#endif
