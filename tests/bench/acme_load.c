/* Load from outside by ACME (RFC 8555): clients with an account each, over a kept connection, that order certificates one after the other: new order,
 * its authorization (which is valid already), finalize, certificate. Keys and requests are made before. Prints one line of JSON with rate, latencies
 * and own CPU time. */
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <time.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509v3.h>
#include "tests/bench/client.h"

#define TEXT 512
#define CSR_BYTES 512
#define WAIT_MS 25000
#define POLLS 200

struct options {
	const char *url, *ca_file, *domain, *kid, *mac_key;
	int clients;
	double seconds;
	size_t orders; /* for each client at most */
};

struct runner {
	const struct options *o;
	int number;
	struct client client;
	struct address address;
	SSL_CTX *tls;
	EVP_PKEY *key;
	char jwk[256], name[128], account[TEXT], nonce[128], new_nonce[TEXT], new_account[TEXT], new_order[TEXT], location[TEXT];
	char (*csrs)[CSR_BYTES * 2]; /* base64url */
	size_t done;
	int32_t *latencies;
	char trouble[TEXT];
};

static _Atomic int64_t end_us;
static pthread_barrier_t start_line;

static int
trouble(struct runner *r, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(r->trouble, sizeof(r->trouble), format, args);
	va_end(args);
	return -1;
}

static void
base64url(const void *data, size_t len, char *ret)
{
	EVP_EncodeBlock((unsigned char *)ret, data, (int)len);
	for (; *ret && *ret != '='; ret++)
		*ret = *ret == '+' ? '-' : *ret == '/' ? '_' : *ret;
	*ret = '\0';
}

/* The value of a header of the answer. */
static bool
header(const struct client *c, const char *name, char *ret, size_t size)
{
	size_t len = strlen(name);
	for (const char *line = strstr(c->answer, "\r\n"); line && line + 2 < c->answer + c->body_at; line = strstr(line + 2, "\r\n"))
		if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':') {
			const char *value = line + 3 + len + strspn(line + 3 + len, " ");
			snprintf(ret, size, "%.*s", (int)strcspn(value, "\r"), value);
			return true;
		}
	return false;
}

/* The first text of that name in the body; blanks may stand around the colon. */
static bool
member(const struct client *c, const char *name, char *ret, size_t size)
{
	char quoted[64];
	snprintf(quoted, sizeof(quoted), "\"%s\"", name);
	const char *at = strstr(c->answer + c->body_at, quoted);
	if (!at)
		return false;
	at += strlen(quoted);
	at += strspn(at, " :[\n");
	if (*at != '"')
		return false;
	snprintf(ret, size, "%.*s", (int)strcspn(at + 1, "\""), at + 1);
	return true;
}

static int
exchange(struct runner *r)
{
	enum client_event ev = CLIENT_READY;
	struct client *c = &r->client;
	if (c->state == CLIENT_CLOSED) {
		if (!client_open(c, &r->address, r->tls))
			return trouble(r, "can't connect");
		ev = CLIENT_WAIT;
	}
	bool sent = ev == CLIENT_READY;
	if (sent)
		ev = client_send(c);
	while (ev != CLIENT_ANSWERED) {
		struct pollfd p = {c->fd, (short)(POLLIN | (c->wants_write ? POLLOUT : 0)), 0};
		if (ev == CLIENT_LOST || poll(&p, 1, WAIT_MS) <= 0)
			return trouble(r, "the connection is lost");
		ev = client_step(c);
		if (ev == CLIENT_READY && !sent) {
			sent = true;
			ev = client_send(c);
		}
	}
	header(c, "replay-nonce", r->nonce, sizeof(r->nonce));
	if (c->close_after)
		client_close(c);
	return 0;
}

static const char *
path_of(const char *url)
{
	const char *host = strstr(url, "://");
	return host ? strchr(host + 3, '/') : url;
}

static int
get(struct runner *r, const char *method, const char *url)
{
	r->client.request_len = (size_t)snprintf(r->client.request, sizeof(r->client.request), "%s %s HTTP/1.1\r\nHost: %s:%s\r\n\r\n", method,
	                                         path_of(url), r->address.host, r->address.port);
	return exchange(r);
}

/* ES256: r and s, 32 octets each (RFC 7518 3.4). */
static void
sign(EVP_PKEY *key, const char *input, char *ret)
{
	unsigned char der[128], raw[64];
	size_t len = sizeof(der);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const unsigned char *at = der;
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, der, &len, (const unsigned char *)input, strlen(input)) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
	ECDSA_SIG_free(sig);
	base64url(raw, sizeof(raw), ret);
}

/* A JWS in the flattened form; by the account, or by its key while there is none. */
static int
post(struct runner *r, const char *url, const char *payload)
{
	char head[1024], head64[1400], payload64[2400], input[4000], signature[128], body[4200];
	if (*r->account)
		snprintf(head, sizeof(head), "{\"alg\":\"ES256\",\"kid\":\"%s\",\"nonce\":\"%s\",\"url\":\"%s\"}", r->account, r->nonce, url);
	else
		snprintf(head, sizeof(head), "{\"alg\":\"ES256\",\"jwk\":%s,\"nonce\":\"%s\",\"url\":\"%s\"}", r->jwk, r->nonce, url);
	base64url(head, strlen(head), head64);
	base64url(payload, strlen(payload), payload64);
	snprintf(input, sizeof(input), "%s.%s", head64, payload64);
	sign(r->key, input, signature);
	int len = snprintf(body, sizeof(body), "{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}", head64, payload64, signature);
	int n = snprintf(r->client.request, sizeof(r->client.request),
	                 "POST %s HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/jose+json\r\nContent-Length: %d\r\n\r\n%s", path_of(url),
	                 r->address.host, r->address.port, len, body);
	if (n >= (int)sizeof(r->client.request))
		return trouble(r, "a request is too long for this client");
	r->client.request_len = (size_t)n;
	*r->nonce = '\0';
	if (exchange(r) < 0)
		return -1;
	if (r->client.status >= 400)
		return trouble(r, "%s: %d %.300s", path_of(url), r->client.status, r->client.answer + r->client.body_at);
	header(&r->client, "location", r->location, sizeof(r->location));
	return 0;
}

static void
make_key(struct runner *r)
{
	unsigned char point[80];
	size_t len = 0;
	char x[64], y[64];
	r->key = EVP_EC_gen("P-256");
	EVP_PKEY_get_octet_string_param(r->key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len);
	base64url(point + 1, 32, x);
	base64url(point + 33, 32, y);
	snprintf(r->jwk, sizeof(r->jwk), "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
}

/* A request for the client's name with a key of its own. */
static void
make_csr(const struct runner *r, char *ret)
{
	char san[160];
	unsigned char *der = NULL;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_REQ *req = X509_REQ_new();
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	snprintf(san, sizeof(san), "DNS:%s", r->name);
	sk_X509_EXTENSION_push(list, X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san));
	X509_REQ_add_extensions(req, list);
	X509_REQ_set_pubkey(req, key);
	X509_REQ_sign(req, key, EVP_sha256());
	int len = i2d_X509_REQ(req, &der);
	base64url(der, (size_t)len, ret);
	OPENSSL_free(der);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
}

/* RFC 8555 7.3.4: the account's key, under the MAC of the external account. */
static void
bind_external(const struct runner *r, char *ret, size_t size)
{
	char head[1024], head64[1400], payload64[400], input[2000], mac64[128], padded[128];
	unsigned char key[96], mac[EVP_MAX_MD_SIZE];
	unsigned mac_len = 0;
	size_t len = strlen(r->o->mac_key);
	snprintf(padded, sizeof(padded), "%s%.*s", r->o->mac_key, (int)((4 - len % 4) % 4), "===");
	for (char *c = padded; *c; c++)
		*c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
	int key_len = EVP_DecodeBlock(key, (const unsigned char *)padded, (int)strlen(padded)) - (int)((4 - len % 4) % 4);
	snprintf(head, sizeof(head), "{\"alg\":\"HS256\",\"kid\":\"%s\",\"url\":\"%s\"}", r->o->kid, r->new_account);
	base64url(head, strlen(head), head64);
	base64url(r->jwk, strlen(r->jwk), payload64);
	snprintf(input, sizeof(input), "%s.%s", head64, payload64);
	HMAC(EVP_sha256(), key, key_len, (unsigned char *)input, strlen(input), mac, &mac_len);
	base64url(mac, mac_len, mac64);
	snprintf(ret, size, ",\"externalAccountBinding\":{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}", head64, payload64, mac64);
}

static int
prepare(struct runner *r)
{
	char binding[2400] = "", payload[3000];
	if (get(r, "GET", r->o->url) < 0)
		return -1;
	if (!member(&r->client, "newNonce", r->new_nonce, TEXT) || !member(&r->client, "newAccount", r->new_account, TEXT) ||
	    !member(&r->client, "newOrder", r->new_order, TEXT))
		return trouble(r, "that isn't a directory: %.200s", r->client.answer + r->client.body_at);
	if (r->o->kid)
		bind_external(r, binding, sizeof(binding));
	snprintf(payload, sizeof(payload), "{\"termsOfServiceAgreed\":true%s}", binding);
	if (get(r, "HEAD", r->new_nonce) < 0 || post(r, r->new_account, payload) < 0)
		return -1;
	snprintf(r->account, sizeof(r->account), "%s", r->location);
	return 0;
}

static int
order(struct runner *r, const char *csr)
{
	char payload[1600], finalize[TEXT], authz[TEXT], place[TEXT], certificate[TEXT], status[32];
	snprintf(payload, sizeof(payload), "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"%s\"}]}", r->name);
	if (post(r, r->new_order, payload) < 0)
		return -1;
	snprintf(place, sizeof(place), "%s", r->location);
	if (!member(&r->client, "finalize", finalize, TEXT) || !member(&r->client, "authorizations", authz, TEXT))
		return trouble(r, "that isn't an order: %.200s", r->client.answer + r->client.body_at);
	if (post(r, authz, "") < 0)
		return -1;
	snprintf(payload, sizeof(payload), "{\"csr\":\"%s\"}", csr);
	if (post(r, finalize, payload) < 0)
		return -1;
	for (int i = 0; i < POLLS && member(&r->client, "status", status, sizeof(status)) && strcmp(status, "processing") == 0; i++) {
		nanosleep(&(struct timespec){0, 5000000}, NULL);
		if (post(r, place, "") < 0)
			return -1;
	}
	if (!member(&r->client, "certificate", certificate, TEXT))
		return trouble(r, "there is no certificate: %.200s", r->client.answer + r->client.body_at);
	if (post(r, certificate, "") < 0)
		return -1;
	return strstr(r->client.answer + r->client.body_at, "-----BEGIN CERTIFICATE-----") ? 0 : trouble(r, "that isn't a certificate");
}

static void *
run(void *arg)
{
	struct runner *r = arg;
	int rc = prepare(r);
	if (rc == 0)
		rc = order(r, r->csrs[r->o->orders]); /* the first one makes the authorization */
	pthread_barrier_wait(&start_line);
	while (rc == 0 && r->done < r->o->orders && now_us() < end_us) {
		int64_t began = now_us();
		rc = order(r, r->csrs[r->done]);
		if (rc == 0)
			r->latencies[r->done++] = (int32_t)(now_us() - began);
	}
	return NULL;
}

static int
by_size(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
	return (x > y) - (x < y);
}

static void
report(const struct options *o, const struct runner *list, double seconds, double cpu)
{
	size_t total = 0, failed = 0, n = 0;
	const char *why = "";
	int32_t *all = calloc((size_t)o->clients * o->orders + 1, sizeof(*all));
	for (int i = 0; i < o->clients; i++) {
		total += list[i].done;
		failed += *list[i].trouble != '\0';
		why = *list[i].trouble ? list[i].trouble : why;
		memcpy(all + n, list[i].latencies, list[i].done * sizeof(*all));
		n += list[i].done;
	}
	qsort(all, n, sizeof(*all), by_size);
	fprintf(stderr, "%s%s", why, *why ? "\n" : "");
	printf("{\"orders\": %zu, \"seconds\": %.3f, \"rate\": %.1f, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"cpu_us\": %.1f, \"failed\": %zu}\n", total,
	       seconds, (double)total / seconds, n ? all[n / 2] / 1000.0 : 0, n ? all[n * 99 / 100] / 1000.0 : 0, total ? cpu / (double)total : 0, failed);
	free(all);
}

static double
own_cpu_us(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void
begin(struct runner *r, const struct options *o, int number)
{
	*r = (struct runner){.o = o, .number = number, .address = address_parse(o->url), .client = {.fd = -1}};
	r->tls = client_context(o->ca_file, NULL, NULL);
	snprintf(r->name, sizeof(r->name), "c%d.%s", number, o->domain);
	make_key(r);
	r->csrs = calloc(o->orders + 1, sizeof(*r->csrs));
	r->latencies = calloc(o->orders + 1, sizeof(*r->latencies));
	for (size_t i = 0; i <= o->orders; i++)
		make_csr(r, r->csrs[i]);
}

int
main(int argc, char **argv)
{
	static const struct option names[] = {{"url", 1, 0, 'u'}, {"cacert", 1, 0, 'c'}, {"clients", 1, 0, 'n'}, {"seconds", 1, 0, 's'},
	                                      {"orders", 1, 0, 'o'}, {"domain", 1, 0, 'd'}, {0}};
	struct options o = {.clients = 16, .seconds = 5, .orders = 1000, .domain = "bench.example", .kid = getenv("SIEGEL_EAB_KID"),
	                    .mac_key = getenv("SIEGEL_EAB_KEY")};
	for (int opt; (opt = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		if (opt == 'u')
			o.url = optarg;
		else if (opt == 'c')
			o.ca_file = optarg;
		else if (opt == 'n')
			o.clients = atoi(optarg);
		else if (opt == 's')
			o.seconds = atof(optarg);
		else if (opt == 'o')
			o.orders = (size_t)atol(optarg);
		else if (opt == 'd')
			o.domain = optarg;
		else
			return 2;
	}
	if (!o.url || !o.ca_file || o.clients < 1 || o.clients > 256 || o.orders < 1 || o.orders > 100000) {
		fprintf(stderr, "usage: acme_load --url DIRECTORY --cacert FILE [--clients N] [--seconds S] [--orders N] [--domain NAME]\n"
		                "SIEGEL_EAB_KID and SIEGEL_EAB_KEY: an external account\n");
		return 2;
	}
	struct runner *list = calloc((size_t)o.clients, sizeof(*list));
	pthread_t *threads = calloc((size_t)o.clients, sizeof(*threads));
	pthread_barrier_init(&start_line, NULL, (unsigned)o.clients + 1);
	for (int i = 0; i < o.clients; i++)
		begin(&list[i], &o, i);
	end_us = INT64_MAX;
	for (int i = 0; i < o.clients; i++)
		pthread_create(&threads[i], NULL, run, &list[i]);
	pthread_barrier_wait(&start_line);
	int64_t begin_us = now_us();
	double cpu = own_cpu_us();
	end_us = begin_us + (int64_t)(o.seconds * 1e6);
	for (int i = 0; i < o.clients; i++)
		pthread_join(threads[i], NULL);
	report(&o, list, (double)(now_us() - begin_us) / 1e6, own_cpu_us() - cpu);
	return 0;
}
