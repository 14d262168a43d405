/* tls-alpn-01 (RFC 8737, for addresses RFC 8738): a certificate on port 443 that only a server shows which speaks acme-tls/1. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "enroll/acme-probe/alpn_cert.h"
#include "enroll/acme-probe/task.h"

DEFINE_CLEANUP(SSL_CTX, SSL_CTX_free)
DEFINE_CLEANUP(SSL, SSL_free)

static const uint8_t protocol[] = "\x0a" "acme-tls/1"; /* RFC 8737 6.2 */

static const char *
last_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
	return reason ? reason : "the connection was closed";
}

/* What the server is asked for: the name, or the reverse name of the address (RFC 8738 6). */
static char *
server_name(struct task *t)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *o = t->address.octets;
	char text[80];
	size_t at = 0;
	if (!t->is_address)
		return arena_strdup(t->arena, t->host);
	if (t->address.family == AF_INET)
		return arena_printf(t->arena, "%u.%u.%u.%u.in-addr.arpa", o[3], o[2], o[1], o[0]);
	for (int i = 15; i >= 0; i--) {
		text[at++] = hex[o[i] & 15];
		text[at++] = '.';
		text[at++] = hex[o[i] >> 4];
		text[at++] = '.';
	}
	text[at] = '\0';
	return arena_printf(t->arena, "%sip6.arpa", text);
}

static SSL *
new_client(SSL_CTX *ctx, char *name, int fd)
{
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ctx, LIMIT_PROBE_CERT_BYTES);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 || SSL_CTX_set_alpn_protos(ctx, protocol, sizeof(protocol) - 1) != 0)
		return NULL;
	SSL *ssl = SSL_new(ctx);
	if (ssl && (SSL_set_tlsext_host_name(ssl, name) != 1 || SSL_set_fd(ssl, fd) != 1)) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

static int
shake_hands(struct task *t, SSL *ssl, const char *where)
{
	for (;;) {
		ERR_clear_error();
		int rc = SSL_connect(ssl), error = SSL_get_error(ssl, rc);
		if (rc == 1)
			return 0;
		if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
			const char *reason = last_reason();
			task_step(t, "TLS with %s: %s", where, reason);
			return task_fail(t, "tls", "no TLS 1.2 or 1.3 with %s: %s", where, reason);
		}
		if (!task_wait(t, SSL_get_fd(ssl), error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, task_left_ms(t))) {
			task_step(t, "TLS with %s: no answer in time", where);
			return task_fail(t, "connection", "%s didn't finish the TLS handshake in time", where);
		}
	}
}

static int
check_self_signed(struct task *t, X509 *cert, const char *where)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	if (X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(cert)) == 0 && key && X509_verify(cert, key) == 1)
		return 0;
	ERR_clear_error();
	return task_fail(t, "unauthorized", "the certificate of %s isn't signed by itself (RFC 8737 3)", where);
}

static int
check_shown(struct task *t, SSL *ssl, const char *where)
{
	const unsigned char *chosen = NULL;
	unsigned len = 0;
	uint8_t digest[32], *der = NULL;
	struct error e;
	SSL_get0_alpn_selected(ssl, &chosen, &len);
	task_step(t, "%s with %s, protocol \"%s\"", SSL_get_version(ssl), where, task_quote(t, chosen, len));
	if (SSL_version(ssl) < TLS1_2_VERSION)
		return task_fail(t, "tls", "%s speaks %s, where TLS 1.2 is the least (RFC 8737 4)", where, SSL_get_version(ssl));
	if (len != sizeof(protocol) - 2 || memcmp(chosen, protocol + 1, len) != 0)
		return task_fail(t, "unauthorized", "%s didn't choose the protocol acme-tls/1 (RFC 8737 3)", where);
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	if (sk_X509_num(chain) != 1)
		return task_fail(t, "unauthorized", "%s showed %d certificates, where one that is signed by itself is wanted (RFC 8737 3)", where,
		                 chain ? sk_X509_num(chain) : 0);
	X509 *cert = sk_X509_value(chain, 0);
	int n = i2d_X509(cert, &der);
	if (n <= 0 || EVP_Digest(t->key_authorization, strlen(t->key_authorization), digest, NULL, EVP_sha256(), NULL) != 1) {
		OPENSSL_free(der);
		return task_fail_now(t, "serverInternal", "SHA-256 isn't available");
	}
	const struct address *address = t->is_address ? &t->address : NULL;
	int rc = alpn_cert_check((struct bytes){der, (size_t)n}, t->host, address, (struct bytes){digest, sizeof(digest)}, &e);
	OPENSSL_free(der);
	if (rc < 0) {
		task_step(t, "certificate of %s: %s", where, e.detail);
		return task_fail(t, "unauthorized", "%s: %s", where, e.detail);
	}
	if (check_self_signed(t, cert, where) < 0)
		return -1;
	task_step(t, "the certificate of %s has the digest of the key authorization", where);
	return 0;
}

static int
talk(struct task *t, int fd, const char *where)
{
	SSL_CTX *ctx CLEANUP(SSL_CTX_free) = SSL_CTX_new(TLS_client_method());
	SSL *ssl CLEANUP(SSL_free) = ctx ? new_client(ctx, server_name(t), fd) : NULL;
	if (!ssl)
		return task_fail_now(t, "serverInternal", "OpenSSL can't be set up: %s", last_reason());
	return shake_hands(t, ssl, where) < 0 ? -1 : check_shown(t, ssl, where);
}

static int
run(struct task *t)
{
	struct address list[2 * LIMIT_PROBE_ADDRESSES];
	uint16_t port = t->probe->https_port;
	char text[ADDRESS_TEXT];
	struct error e = {0};
	size_t n = 0;
	int fd;
	if (task_resolve(t, t->host, port, list, &n) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *where = arena_printf(t->arena, "%s port %u", address_text(&list[i], text), port);
		int wait_ms = i == n - 1 ? LIMIT_PROBE_TASK_MS : LIMIT_PROBE_CONNECT_MS;
		if (task_connect(t, &list[i], port, wait_ms, &fd, &e) < 0) {
			task_step(t, "no connection to %s: %s", where, e.detail);
			continue;
		}
		task_step(t, "connected to %s", where);
		t->connected = arena_strdup(t->arena, text);
		int rc = talk(t, fd, where);
		close(fd);
		return rc;
	}
	return task_fail(t, "connection", "%s can't be connected to on port %u: %s", t->host, port, e.detail);
}

const struct kind tls_alpn_01 = {.method = "tls-alpn-01", .takes_addresses = true, .has_token = true, .run = run};
