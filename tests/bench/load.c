/* Load from outside, over the edge, by REST or EST: many kept connections, or a new one for each request, each with one request at a time;
 * a certificate for each CSR of a pool that is made before. Prints one line of JSON with rate, latencies and own CPU time. With a journal and retries it is the client
 * of the crash tests: what it received is on disk before it goes on, and what it lost it asks again with the same key. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include "tests/bench/client.h"
#include "tests/bench/pool.h"

#define ANSWER_WAIT_US 25000000 /* more than the engine's own deadline */
#define GRACE_US 20000000       /* after the window, for requests that are asked again */
#define SERIAL_TEXT 64

struct options {
	const char *url, *ca_file, *cert_file, *key_file, *type, *prefix, *journal, *token;
	long connections, requests, repeat_one_in, retry_ms;
	double seconds;
	bool keyed; /* send an Idempotency-Key */
	bool est;   /* EST in place of REST; token is NAME:PASSWORD, or empty */
	bool fresh; /* each request has a connection of its own */
};

struct slot {
	struct client client;
	bool busy;           /* has a request that isn't answered */
	bool queued;         /* answered in this turn; goes on after the journal is on disk */
	bool repeating;      /* asks again for what it has already */
	size_t index;        /* of the CSR */
	int64_t first_us;    /* when the request was first sent */
	int64_t retry_at_us; /* 0: not waiting */
	char serial[SERIAL_TEXT];
};

struct load {
	struct options o;
	struct address address;
	SSL_CTX *tls;
	struct pool_csr *pool;
	struct slot *slots;
	int epoll, journal_fd;
	char *lines; /* of the journal, not yet on disk */
	size_t lines_len, lines_cap;
	size_t next; /* CSR */
	int32_t *latencies;
	size_t answered, refused, lost, repeated, mismatched, in_window;
	int64_t start_us, end_us, last_good_us, longest_gap_us;
	char first_refusal[256];
};

static volatile sig_atomic_t stopped;

static void
stop(int sig)
{
	stopped = sig;
}

static void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* A CSR in base64 as EST wants it (RFC 8951 3.1). */
static void
make_est_request(const struct load *l, struct slot *s)
{
	const struct pool_csr *csr = &l->pool[s->index];
	char body[2048], basic[1024], authorization[1100] = "";
	int n = EVP_EncodeBlock((unsigned char *)body, csr->der, (int)csr->len);

	if (*l->o.token) {
		EVP_EncodeBlock((unsigned char *)basic, (const unsigned char *)l->o.token, (int)strlen(l->o.token));
		snprintf(authorization, sizeof(authorization), "Authorization: Basic %s\r\n", basic);
	}
	s->client.request_len = (size_t)snprintf(
	        s->client.request, sizeof(s->client.request),
	        "POST %s HTTP/1.1\r\nHost: %s:%s\r\n%sContent-Type: application/pkcs10\r\n%sContent-Length: %d\r\n\r\n%s", l->address.path,
	        l->address.host, l->address.port, authorization, l->o.fresh ? "Connection: close\r\n" : "", n, body);
}

static void
make_request(const struct load *l, struct slot *s)
{
	static const char head[] = "{\"data\":{\"type\":\"%s\",\"attributes\":{\"csr\":\"-----BEGIN CERTIFICATE REQUEST-----\\n";
	static const char tail[] = "\\n-----END CERTIFICATE REQUEST-----\\n\"}}}";
	const struct pool_csr *csr = &l->pool[s->index];
	char body[2048], key[128] = "";
	int n = snprintf(body, sizeof(body), head, l->o.type);

	/* Lines of 64 characters, as PEM wants them. */
	for (size_t at = 0; at < csr->len; at += 48) {
		size_t part = csr->len - at < 48 ? csr->len - at : 48;

		if (at)
			n += sprintf(body + n, "\\n");
		n += EVP_EncodeBlock((unsigned char *)body + n, csr->der + at, (int)part);
	}
	n += sprintf(body + n, "%s", tail);
	if (l->o.keyed)
		snprintf(key, sizeof(key), "Idempotency-Key: %s-%zu\r\n", l->o.prefix, s->index);
	s->client.request_len = (size_t)snprintf(
	        s->client.request, sizeof(s->client.request),
	        "POST %s HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\nContent-Type: application/vnd.api+json\r\n"
	        "Accept: application/vnd.api+json\r\n%sContent-Length: %d\r\n\r\n%s",
	        l->address.path, l->address.host, l->address.port, l->o.token, key, n, body);
}

static void
watch(struct load *l, struct slot *s, int op)
{
	struct epoll_event ev = {.events = EPOLLIN | (s->client.wants_write ? (uint32_t)EPOLLOUT : 0U), .data.ptr = s};

	if (epoll_ctl(l->epoll, op, s->client.fd, &ev) < 0)
		die("epoll_ctl");
}

/* The string value of a key of a JSON text, as it stands there; NULL when it is missing. */
static const char *
json_string(const char *body, const char *key, size_t *ret_len)
{
	char quoted[64];
	const char *at, *end;

	snprintf(quoted, sizeof(quoted), "\"%s\"", key);
	at = strstr(body, quoted);
	if (!at)
		return NULL;
	at += strlen(quoted);
	at += strspn(at, ": ");
	if (*at != '"')
		return NULL;
	at++;
	end = strchr(at, '"');
	*ret_len = end ? (size_t)(end - at) : 0;
	return end ? at : NULL;
}

/* SHA-256 of the certificate in the answer, as hexadecimal text; "-" when there is none. */
static void
certificate_hash(const char *body, char *ret)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----\\n";
	unsigned char der[8192], digest[SHA256_DIGEST_LENGTH];
	EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
	size_t len;
	const char *pem = json_string(body, "pem", &len), *end = pem ? pem + len : NULL;
	int n = 0, part;

	strcpy(ret, "-");
	EVP_DecodeInit(ctx);
	if (pem && len > sizeof(begin) && memcmp(pem, begin, sizeof(begin) - 1) == 0) {
		const char *at = pem + sizeof(begin) - 1;

		while (at < end && *at != '-') {
			const char *stop_at = memchr(at, '\\', (size_t)(end - at));

			if (!stop_at || n + (stop_at - at) > (ptrdiff_t)sizeof(der))
				break;
			EVP_DecodeUpdate(ctx, der + n, &part, (const unsigned char *)at, (int)(stop_at - at));
			n += part;
			EVP_DecodeUpdate(ctx, der + n, &part, (const unsigned char *)"\n", 1);
			n += part;
			at = stop_at + 2;
		}
		if (EVP_DecodeFinal(ctx, der + n, &part) >= 0) {
			SHA256(der, (size_t)(n + part), digest);
			for (size_t i = 0; i < sizeof(digest); i++)
				sprintf(ret + 2 * i, "%02x", digest[i]);
		}
	}
	EVP_ENCODE_CTX_free(ctx);
}

static void
journal_add(struct load *l, const struct slot *s, const char *hash)
{
	struct timespec now;

	if (l->journal_fd < 0)
		return;
	if (l->lines_cap - l->lines_len < 512) {
		l->lines_cap = l->lines_cap ? 2 * l->lines_cap : 65536;
		l->lines = realloc(l->lines, l->lines_cap);
		if (!l->lines)
			die("journal");
	}
	clock_gettime(CLOCK_REALTIME, &now);
	l->lines_len += (size_t)sprintf(l->lines + l->lines_len, "%lld.%06ld %s-%zu %s %s\n", (long long)now.tv_sec, now.tv_nsec / 1000,
	                                l->o.prefix, s->index, s->serial, hash);
}

static void
journal_flush(struct load *l)
{
	if (l->lines_len == 0)
		return;
	if (write(l->journal_fd, l->lines, l->lines_len) != (ssize_t)l->lines_len || fdatasync(l->journal_fd) < 0)
		die("journal");
	l->lines_len = 0;
}

static void
got_certificate(struct load *l, struct slot *s)
{
	int64_t now = now_us();
	char serial[SERIAL_TEXT] = "-", hash[2 * SHA256_DIGEST_LENGTH + 1];
	const char *body = s->client.answer + s->client.body_at, *text;
	size_t len;

	if (now - l->last_good_us > l->longest_gap_us)
		l->longest_gap_us = now - l->last_good_us;
	l->last_good_us = now;
	if (now <= l->end_us)
		l->in_window++;
	l->latencies[l->answered++] = (int32_t)(now - s->first_us);
	if (l->journal_fd < 0)
		return;
	text = json_string(body, "serial", &len);
	if (text && len < sizeof(serial)) {
		memcpy(serial, text, len);
		serial[len] = '\0';
	}
	if (s->repeating && strcmp(serial, s->serial) != 0)
		l->mismatched++;
	strcpy(s->serial, serial);
	certificate_hash(body, hash);
	journal_add(l, s, hash);
}

static void
retry_later(struct load *l, struct slot *s)
{
	if (l->o.retry_ms > 0 && s->busy)
		s->retry_at_us = now_us() + l->o.retry_ms * 1000;
	else
		s->busy = false;
}

static void
on_answer(struct load *l, struct slot *s)
{
	if (s->client.status == 201 || s->client.status == 200) {
		got_certificate(l, s);
		s->busy = false;
		s->queued = true;
		return;
	}
	l->refused++;
	if (!l->first_refusal[0]) {
		snprintf(l->first_refusal, sizeof(l->first_refusal), "%d %.200s", s->client.status, s->client.answer + s->client.body_at);
		for (char *c = l->first_refusal; *c; c++)
			if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
				*c = '\'';
	}
	if (s->client.status >= 500 || s->client.status == 429) {
		retry_later(l, s);
		return;
	}
	s->busy = false;
	s->queued = true;
}

static void reopen(struct load *l, struct slot *s);

static void
begin(struct load *l, struct slot *s)
{
	if (l->o.est)
		make_est_request(l, s);
	else
		make_request(l, s);
	if (client_send(&s->client) == CLIENT_LOST) {
		l->lost++;
		retry_later(l, s);
		return;
	}
	watch(l, s, EPOLL_CTL_MOD);
}

/* The next request of a slot that is free: the same again when it is its turn, else the next CSR. */
static void
next_request(struct load *l, struct slot *s)
{
	int64_t now = now_us();

	if (l->o.repeat_one_in > 0 && !s->repeating && s->client.status == 201 && s->index % (size_t)l->o.repeat_one_in == 0) {
		s->repeating = true;
		l->repeated++;
	} else {
		s->repeating = false;
		if (now >= l->end_us || stopped || l->next >= (size_t)l->o.requests)
			return;
		s->index = l->next++;
	}
	s->busy = true;
	s->first_us = now;
	if (l->o.fresh && s->client.state != CLIENT_IDLE)
		reopen(l, s); /* the request follows when the connection is there */
	else
		begin(l, s);
}

static void
reopen(struct load *l, struct slot *s)
{
	if (s->client.state != CLIENT_CLOSED)
		client_close(&s->client);
	if (client_open(&s->client, &l->address, l->tls))
		watch(l, s, EPOLL_CTL_ADD);
	else if (s->busy)
		s->retry_at_us = now_us() + l->o.retry_ms * 1000;
}

static void
on_event(struct load *l, struct slot *s)
{
	bool wanted = s->client.wants_write;
	enum client_event event = client_step(&s->client);

	switch (event) {
	case CLIENT_READY:
		watch(l, s, EPOLL_CTL_MOD);
		if (s->busy)
			begin(l, s);
		else if (l->start_us)
			s->queued = true;
		return;
	case CLIENT_ANSWERED:
		on_answer(l, s);
		if (s->client.close_after || l->o.fresh)
			client_close(&s->client);
		return;
	case CLIENT_LOST:
		if (s->busy) {
			l->lost++;
			retry_later(l, s);
		}
		return;
	default:
		if (wanted != s->client.wants_write)
			watch(l, s, EPOLL_CTL_MOD);
	}
}

/* What is due by time: requests asked again, answers that don't come, connections that were closed between two requests. */
static bool
tend(struct load *l)
{
	int64_t now = now_us();
	bool busy = false;

	for (long i = 0; i < l->o.connections; i++) {
		struct slot *s = &l->slots[i];

		if (s->busy && s->retry_at_us && now >= s->retry_at_us) {
			s->retry_at_us = 0;
			if (s->client.state == CLIENT_IDLE)
				begin(l, s);
			else
				reopen(l, s);
		} else if (s->busy && !s->retry_at_us && s->client.state >= CLIENT_SENDING && now - s->client.sent_us > ANSWER_WAIT_US) {
			client_close(&s->client);
			l->lost++;
			retry_later(l, s);
		} else if (!s->busy && s->client.state == CLIENT_CLOSED && now < l->end_us) {
			s->queued = l->o.fresh;
			if (!l->o.fresh)
				reopen(l, s);
		}
		busy |= s->busy || s->queued;
	}
	return busy;
}

static void
turn(struct load *l, int wait_ms)
{
	struct epoll_event events[64];
	int n = epoll_wait(l->epoll, events, 64, wait_ms);

	for (int i = 0; i < n; i++)
		on_event(l, events[i].data.ptr);
	journal_flush(l);
	for (long i = 0; i < l->o.connections; i++) {
		struct slot *s = &l->slots[i];

		if (s->queued && (s->client.state == CLIENT_IDLE || (l->o.fresh && s->client.state == CLIENT_CLOSED))) {
			s->queued = false;
			next_request(l, s);
		}
	}
}

static void
connect_all(struct load *l)
{
	int64_t deadline = now_us() + 10000000;
	long ready = 0;

	for (long i = 0; i < l->o.connections; i++)
		reopen(l, &l->slots[i]);
	while (ready < l->o.connections && now_us() < deadline) {
		turn(l, 100);
		ready = 0;
		for (long i = 0; i < l->o.connections; i++) {
			if (l->slots[i].client.state == CLIENT_CLOSED)
				reopen(l, &l->slots[i]);
			ready += l->slots[i].client.state == CLIENT_IDLE;
		}
	}
	if (ready < l->o.connections) {
		fprintf(stderr, "load: only %ld of %ld connections to %s:%s\n", ready, l->o.connections, l->address.host, l->address.port);
		exit(2);
	}
}

static int
compare(const void *a, const void *b)
{
	return (*(const int32_t *)a > *(const int32_t *)b) - (*(const int32_t *)a < *(const int32_t *)b);
}

static double
percentile_ms(const struct load *l, double p)
{
	size_t at = (size_t)(p * (double)l->answered);

	return l->answered ? l->latencies[at < l->answered ? at : l->answered - 1] / 1000.0 : 0;
}

static double
cpu_sec(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static size_t
run(struct load *l)
{
	double cpu = cpu_sec(), seconds;
	size_t unfinished = 0;
	bool busy = true;

	l->start_us = l->last_good_us = now_us();
	l->end_us = l->start_us + (int64_t)(l->o.seconds * 1e6);
	for (long i = 0; i < l->o.connections; i++)
		next_request(l, &l->slots[i]);
	while (busy && now_us() < l->end_us + GRACE_US) {
		turn(l, 5);
		busy = tend(l) || (now_us() < l->end_us && !stopped && l->next < (size_t)l->o.requests);
	}
	seconds = (double)((l->last_good_us < l->end_us ? l->last_good_us : l->end_us) - l->start_us) / 1e6;
	cpu = cpu_sec() - cpu;
	for (long i = 0; i < l->o.connections; i++)
		unfinished += l->slots[i].busy;
	qsort(l->latencies, l->answered, sizeof(*l->latencies), compare);
	printf("{\"connections\":%ld,\"answers\":%zu,\"seconds\":%.3f,\"rate\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,"
	       "\"refused\":%zu,\"lost\":%zu,\"repeated\":%zu,\"mismatched\":%zu,\"unfinished\":%zu,\"longest_gap_ms\":%.0f,"
	       "\"cpu_us\":%.1f,\"first_refusal\":\"%s\"}\n",
	       l->o.connections, l->answered, seconds, seconds > 0 ? (double)l->in_window / seconds : 0, percentile_ms(l, 0.5),
	       percentile_ms(l, 0.99), percentile_ms(l, 1), l->refused, l->lost, l->repeated, l->mismatched, unfinished,
	       (double)l->longest_gap_us / 1000, l->answered ? cpu * 1e6 / (double)l->answered : 0, l->first_refusal);
	return unfinished;
}

static const struct option long_options[] = {
	{"url", required_argument, NULL, 'u'},      {"cacert", required_argument, NULL, 'c'},
	{"connections", required_argument, NULL, 'n'}, {"seconds", required_argument, NULL, 's'},
	{"requests", required_argument, NULL, 'r'}, {"type", required_argument, NULL, 't'},
	{"prefix", required_argument, NULL, 'p'},   {"journal", required_argument, NULL, 'j'},
	{"keyed", no_argument, NULL, 'k'},          {"retry-ms", required_argument, NULL, 'y'},
	{"repeat-one-in", required_argument, NULL, 'e'}, {"help", no_argument, NULL, 'h'},
	{"est", no_argument, NULL, 'E'},            {"fresh", no_argument, NULL, 'f'},
	{"cert", required_argument, NULL, 'C'},     {"key", required_argument, NULL, 'K'},
	{NULL, 0, NULL, 0},
};

static struct options
options_parse(int argc, char **argv)
{
	struct options o = {.type = "cert_device", .prefix = "load", .connections = 16, .requests = 20000, .seconds = 3};
	int c;

	o.token = getenv("SIEGEL_TOKEN");
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'u': o.url = optarg; break;
		case 'c': o.ca_file = optarg; break;
		case 'n': o.connections = strtol(optarg, NULL, 10); break;
		case 's': o.seconds = strtod(optarg, NULL); break;
		case 'r': o.requests = strtol(optarg, NULL, 10); break;
		case 't': o.type = optarg; break;
		case 'p': o.prefix = optarg; break;
		case 'j': o.journal = optarg; break;
		case 'k': o.keyed = true; break;
		case 'E': o.est = true; break;
		case 'f': o.fresh = true; break;
		case 'C': o.cert_file = optarg; break;
		case 'K': o.key_file = optarg; break;
		case 'y': o.retry_ms = strtol(optarg, NULL, 10); break;
		case 'e': o.repeat_one_in = strtol(optarg, NULL, 10); break;
		default: o.url = NULL; optind = argc; break;
		}
	}
	if (!o.url || !o.ca_file || !o.token || !o.cert_file != !o.key_file || o.connections < 1 || o.requests < 1 || strlen(o.token) > 512 || strlen(o.prefix) > 32) {
		fprintf(stderr, "usage: SIEGEL_TOKEN=... load --url https://HOST:PORT/PATH --cacert FILE [--connections N] [--seconds S] "
		                "[--requests N] [--type NAME] [--prefix TEXT] [--journal FILE] [--keyed] [--retry-ms MS] "
		                "[--repeat-one-in N] [--cert FILE --key FILE] [--fresh]\n"
		                "       SIEGEL_TOKEN=NAME:PASSWORD load --est --url https://HOST:PORT/.well-known/est/simpleenroll ...\n");
		exit(2);
	}
	return o;
}

int
main(int argc, char **argv)
{
	struct load l = {.o = options_parse(argc, argv), .journal_fd = -1};
	struct sigaction action = {.sa_handler = stop};

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &action, NULL);
	l.address = address_parse(l.o.url);
	l.tls = client_context(l.o.ca_file, l.o.cert_file, l.o.key_file);
	l.pool = pool_new(l.o.prefix, (size_t)l.o.requests);
	l.slots = calloc((size_t)l.o.connections, sizeof(*l.slots));
	l.latencies = calloc(2 * (size_t)l.o.requests, sizeof(*l.latencies));
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!l.slots || !l.latencies || l.epoll < 0)
		die("start");
	for (long i = 0; i < l.o.connections; i++)
		l.slots[i].client.fd = -1;
	if (l.o.journal && (l.journal_fd = open(l.o.journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0)
		die("journal");
	connect_all(&l);
	return run(&l) ? 1 : 0;
}
