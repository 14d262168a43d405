/* A small HTTP/1.1 client over TLS for one thread and many connections: no more than measuring needs, so that it costs little. */
#ifndef SIEGEL_TESTS_BENCH_CLIENT_H
#define SIEGEL_TESTS_BENCH_CLIENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <openssl/ssl.h>

#define CLIENT_REQUEST_BYTES 4096
#define CLIENT_ANSWER_BYTES 65536

struct address {
	char host[128], port[8], path[512];
	bool tls;
};

enum client_state { CLIENT_CLOSED, CLIENT_CONNECTING, CLIENT_HANDSHAKE, CLIENT_IDLE, CLIENT_SENDING, CLIENT_RECEIVING };

struct client {
	enum client_state state;
	int fd;
	SSL *ssl;
	char request[CLIENT_REQUEST_BYTES];
	size_t request_len, sent;
	char answer[CLIENT_ANSWER_BYTES + 1];
	size_t answer_len, body_at, body_len;
	int status;
	bool close_after; /* the server said Connection: close */
	bool wants_write;
	int64_t sent_us; /* when the request was given to the client */
};

enum client_event { CLIENT_WAIT, CLIENT_READY, CLIENT_ANSWERED, CLIENT_LOST };

/* "https://host:port/path" or "http://…". Ends the process when it isn't one. */
struct address address_parse(const char *url);
/* A context that trusts that CA file alone; cert_file and key_file: what the client shows, NULL: nothing. Ends the process when it can't. */
SSL_CTX *client_context(const char *ca_file, const char *cert_file, const char *key_file);
/* Begins to connect; the descriptor is then in c->fd. False when nobody listens. */
bool client_open(struct client *c, const struct address *a, SSL_CTX *ctx);
void client_close(struct client *c);
/* Begins to send c->request, which the caller filled. */
enum client_event client_send(struct client *c);
/* To be called when the descriptor is ready. READY: connected. ANSWERED: status and body are complete, the body is ended by NUL.
 * LOST: the connection is closed and an answer that was awaited won't come. */
enum client_event client_step(struct client *c);
int64_t now_us(void);

#endif
