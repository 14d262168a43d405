#include "tests/bench/client.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <openssl/x509v3.h>

int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct address
address_parse(const char *url)
{
	struct address a = {.port = "443", .path = "/"};
	char scheme[8];

	if (sscanf(url, "%7[a-z]://%127[^:/]:%7[0-9]%511s", scheme, a.host, a.port, a.path) < 3) {
		fprintf(stderr, "load: not an address with scheme, host and port: %s\n", url);
		exit(2);
	}
	a.tls = strcmp(scheme, "https") == 0;
	return a;
}

SSL_CTX *
client_context(const char *ca_file, const char *cert_file, const char *key_file)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (!ctx || SSL_CTX_load_verify_file(ctx, ca_file) != 1) {
		fprintf(stderr, "load: can't read the CA certificate %s\n", ca_file);
		exit(2);
	}
	if (cert_file && (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1 || SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1)) {
		fprintf(stderr, "load: can't use the client certificate %s with the key %s\n", cert_file, key_file);
		exit(2);
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	return ctx;
}

bool
client_open(struct client *c, const struct address *a, SSL_CTX *ctx)
{
	/* The edge listens on 127.0.0.1 wherever it listens on the loopback. */
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
	int one = 1;

	c->fd = -1;
	c->ssl = NULL;
	c->state = CLIENT_CLOSED;
	c->answer_len = 0;
	if (getaddrinfo(a->host, a->port, &hints, &found) != 0)
		return false;
	c->fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || (connect(c->fd, found->ai_addr, found->ai_addrlen) < 0 && errno != EINPROGRESS)) {
		freeaddrinfo(found);
		client_close(c);
		return false;
	}
	freeaddrinfo(found);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (a->tls) {
		c->ssl = SSL_new(ctx);
		SSL_set_fd(c->ssl, c->fd);
		SSL_set_connect_state(c->ssl);
		if (!X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(c->ssl), a->host))
			SSL_set1_host(c->ssl, a->host);
	}
	c->state = CLIENT_CONNECTING;
	c->wants_write = true;
	return true;
}

void
client_close(struct client *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->state = CLIENT_CLOSED;
}

static enum client_event
lost(struct client *c)
{
	client_close(c);
	return CLIENT_LOST;
}

/* What a call of OpenSSL that returned rc wants next; false when the connection is lost. */
static bool
wants(struct client *c, int rc)
{
	int error = SSL_get_error(c->ssl, rc);

	c->wants_write = error == SSL_ERROR_WANT_WRITE;
	return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ;
}

static ssize_t
io(struct client *c, bool out, void *data, size_t len)
{
	ssize_t n;

	if (c->ssl) {
		int rc = out ? SSL_write(c->ssl, data, (int)len) : SSL_read(c->ssl, data, (int)len);

		if (rc > 0)
			return rc;
		return wants(c, rc) ? 0 : -1;
	}
	n = out ? send(c->fd, data, len, MSG_NOSIGNAL) : recv(c->fd, data, len, 0);
	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		c->wants_write = out;
		return 0;
	}
	return -1;
}

enum client_event
client_send(struct client *c)
{
	c->state = CLIENT_SENDING;
	c->sent = 0;
	c->answer_len = 0;
	c->sent_us = now_us();
	return client_step(c);
}

/* True when the answer is whole. */
static bool
answer_whole(struct client *c, bool *ret_bad)
{
	char *end, *line;
	long length = -1;

	*ret_bad = false;
	c->answer[c->answer_len] = '\0';
	end = strstr(c->answer, "\r\n\r\n");
	if (!end)
		return false;
	c->body_at = (size_t)(end - c->answer) + 4;
	c->close_after = false;
	for (line = strstr(c->answer, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, "content-length:", 15) == 0)
			length = strtol(line + 17, NULL, 10);
		if (strncasecmp(line + 2, "connection: close", 17) == 0)
			c->close_after = true;
	}
	if (length < 0 || c->body_at + (size_t)length > CLIENT_ANSWER_BYTES || sscanf(c->answer, "HTTP/1.1 %d", &c->status) != 1) {
		*ret_bad = true;
		return false;
	}
	c->body_len = (size_t)length;
	return c->answer_len >= c->body_at + c->body_len;
}

static enum client_event
receive(struct client *c)
{
	for (;;) {
		bool bad;
		ssize_t n = io(c, false, c->answer + c->answer_len, CLIENT_ANSWER_BYTES - c->answer_len);

		if (n < 0)
			return lost(c);
		if (n == 0)
			return CLIENT_WAIT;
		c->answer_len += (size_t)n;
		if (answer_whole(c, &bad)) {
			c->answer[c->body_at + c->body_len] = '\0';
			c->state = CLIENT_IDLE;
			c->wants_write = false;
			return CLIENT_ANSWERED;
		}
		if (bad || c->answer_len == CLIENT_ANSWER_BYTES)
			return lost(c);
	}
}

enum client_event
client_step(struct client *c)
{
	int error = 0, rc;
	socklen_t len = sizeof(error);
	ssize_t n;

	switch (c->state) {
	case CLIENT_CONNECTING:
		if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)
			return lost(c);
		c->state = CLIENT_HANDSHAKE;
		/* fall through */
	case CLIENT_HANDSHAKE:
		if (c->ssl && (rc = SSL_do_handshake(c->ssl)) != 1)
			return wants(c, rc) ? CLIENT_WAIT : lost(c);
		c->state = CLIENT_IDLE;
		c->wants_write = false;
		return CLIENT_READY;
	case CLIENT_SENDING:
		while (c->sent < c->request_len) {
			n = io(c, true, c->request + c->sent, c->request_len - c->sent);
			if (n < 0)
				return lost(c);
			if (n == 0)
				return CLIENT_WAIT;
			c->sent += (size_t)n;
		}
		c->wants_write = false;
		c->state = CLIENT_RECEIVING;
		return CLIENT_WAIT; /* an answer can't be there yet */
	case CLIENT_RECEIVING:
		return receive(c);
	case CLIENT_IDLE: /* closed by the server between two requests, or a session ticket */
		n = io(c, false, c->answer, CLIENT_ANSWER_BYTES);
		return n == 0 ? CLIENT_WAIT : lost(c);
	default:
		return lost(c);
	}
}
