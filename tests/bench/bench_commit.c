/* How fast the store takes what the engine writes: both grouped commits of a certificate (intent_add, certificate_add), of rows as
 * long as the engine's, with nothing else around them. Prints one line of JSON. */
#include <errno.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <openssl/rand.h>
#include "lib/db/audit.h"
#include "lib/db/array.h"
#include "lib/db/db.h"
#include "lib/limits.h"

#define BENCH_CA 2000000000 /* no CA has it, so these rows are in nobody's way */
#define SERIAL_BYTES 20 /* as the engine makes them: the time, and 16 random octets */
#define MAX_ROW_BYTES 4096
#define ARRAY_BYTES ((size_t)LIMIT_BATCH * 2 * MAX_ROW_BYTES)
#define INTENT_PARAMS 18
#define CERTIFICATE_PARAMS 27 /* the longer list */
#define MAX_CONNECTIONS 16

struct bench {
	struct db *db;
	struct audit_chain chain;
	int batch, tbs_len, der_len;
	uint8_t serials[LIMIT_BATCH][SERIAL_BYTES], spki[LIMIT_BATCH][32];
	char objects[LIMIT_BATCH][80];
	struct db_array arrays[CERTIFICATE_PARAMS];
	struct db_param params[CERTIFICATE_PARAMS];
	int n_params;
};

static void
die(const char *what, const struct error *e)
{
	fprintf(stderr, "bench_commit: %s: %s\n", what, e->detail);
	exit(2);
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static struct db_array *
array(struct bench *b, enum db_array_type type)
{
	struct db_array *a = &b->arrays[b->n_params++];

	db_array_init(a, type, ARRAY_BYTES);
	return a;
}

static void
add_numbers(struct bench *b, enum db_array_type type, int64_t value)
{
	struct db_array *a = array(b, type);

	for (int i = 0; i < b->batch; i++)
		db_array_add_int(a, value);
}

static void
add_texts(struct bench *b, const char *value)
{
	struct db_array *a = array(b, DB_ARRAY_TEXT);

	for (int i = 0; i < b->batch; i++)
		db_array_add(a, value, strlen(value));
}

/* Random bytes: what compresses would be cheaper than a certificate. data NULL: fresh ones of that length for each row. */
static void
add_bytes(struct bench *b, const uint8_t *data, size_t len)
{
	struct db_array *a = array(b, DB_ARRAY_BYTEA);
	uint8_t row[MAX_ROW_BYTES];

	for (int i = 0; i < b->batch; i++) {
		if (!data)
			RAND_bytes(row, (int)len);
		db_array_add(a, data ? data + (size_t)i * len : row, len);
	}
}

static void
add_nulls(struct bench *b, enum db_array_type type)
{
	struct db_array *a = array(b, type);

	for (int i = 0; i < b->batch; i++)
		db_array_add(a, NULL, 0);
}

/* The audit rows of a batch, with their hashes. */
static void
add_audit(struct bench *b, const char *action)
{
	struct db_array *seq = array(b, DB_ARRAY_INT8), *at = array(b, DB_ARRAY_INT8), *actor = array(b, DB_ARRAY_TEXT);
	struct db_array *object = array(b, DB_ARRAY_TEXT), *detail = array(b, DB_ARRAY_TEXT), *hash = array(b, DB_ARRAY_BYTEA);
	struct audit_row row = {.at_us = now_us(), .tenant_id = 1, .actor = "rest:admin", .action = action,
	                        .detail = "{\"profile\":\"device\",\"request_id\":\"0123456789abcdef\"}"};

	for (int i = 0; i < b->batch; i++) {
		row.object = b->objects[i];
		audit_hash(b->chain.head, b->chain.name, b->chain.seq + 1, &row, b->chain.head);
		b->chain.seq++;
		db_array_add_int(seq, b->chain.seq);
		db_array_add_int(at, row.at_us);
		db_array_add(actor, row.actor, strlen(row.actor));
		db_array_add(object, row.object, strlen(row.object));
		db_array_add(detail, row.detail, strlen(row.detail));
		db_array_add(hash, b->chain.head, AUDIT_HASH_BYTES);
	}
}

static void
begin(struct bench *b)
{
	b->n_params = 1; /* the chain's name is the first */
	b->params[0] = DB_TEXT(b->chain.name);
}

static void
run_statement(struct bench *b, const char *sql, int n_params)
{
	struct error e = {0};

	for (int i = 1; i < b->n_params; i++)
		if (db_array_param(&b->arrays[i], &b->params[i], &e) < 0)
			die("arrays", &e);
	if (b->n_params != n_params || db_query(b->db, sql, b->params, b->n_params, true, NULL, &e) < 0)
		die("statement", &e);
	for (int i = 1; i < b->n_params; i++)
		db_array_free(&b->arrays[i]);
}

static void
intents(struct bench *b)
{
	RAND_bytes(b->serials[0], b->batch * SERIAL_BYTES);
	RAND_bytes(b->spki[0], b->batch * 32);
	for (int i = 0; i < b->batch; i++) {
		uint32_t at = htonl((uint32_t)time(NULL) & 0x7fffffff);
		memcpy(b->serials[i], &at, sizeof(at));
		int n = sprintf(b->objects[i], "ca/%d/serial/", BENCH_CA);
		for (int k = 0; k < SERIAL_BYTES; k++)
			n += sprintf(b->objects[i] + n, "%02x", b->serials[i][k]);
	}
	begin(b);
	add_numbers(b, DB_ARRAY_INT4, BENCH_CA);
	add_bytes(b, b->serials[0], SERIAL_BYTES);
	add_numbers(b, DB_ARRAY_INT4, 1);
	add_numbers(b, DB_ARRAY_INT4, 1);
	add_bytes(b, NULL, (size_t)b->tbs_len);
	add_nulls(b, DB_ARRAY_BYTEA);
	add_nulls(b, DB_ARRAY_BYTEA);
	add_numbers(b, DB_ARRAY_INT4, 0);
	add_bytes(b, b->spki[0], 32);
	add_texts(b, "CN=load-0000000");
	add_numbers(b, DB_ARRAY_INT4, 1);
	add_audit(b, "certificate.intent");
	run_statement(b,
	              "SELECT intent_add($1::text, $2::int[], $3::bytea[], $4::int[], $5::int[], $6::bytea[], $7::bytea[], "
	              "$8::bytea[], $9::int[], $10::bytea[], $11::text[], $12::int[], $13::bigint[], $14::bigint[], $15::text[], "
	              "$16::text[], $17::text[], $18::bytea[], (SELECT epoch FROM policy_state))",
	              INTENT_PARAMS);
}

static void
certificates(struct bench *b)
{
	begin(b);
	add_numbers(b, DB_ARRAY_INT4, BENCH_CA);
	add_bytes(b, b->serials[0], SERIAL_BYTES);
	add_numbers(b, DB_ARRAY_INT4, 1);
	add_numbers(b, DB_ARRAY_INT4, 1);
	add_texts(b, "CN=load-0000000");
	add_texts(b, "load-0000000");
	add_texts(b, "");
	add_numbers(b, DB_ARRAY_INT8, time(NULL));
	add_numbers(b, DB_ARRAY_INT8, time(NULL) + 365 * 86400);
	add_bytes(b, b->spki[0], 32);
	add_bytes(b, NULL, (size_t)b->der_len);
	add_texts(b, "admin");
	add_texts(b, "rest");
	add_numbers(b, DB_ARRAY_INT4, 0); /* the key is one that may be used again */
	add_texts(b, "p256");
	add_nulls(b, DB_ARRAY_TEXT); /* owner */
	add_nulls(b, DB_ARRAY_TEXT); /* metadata */
	add_nulls(b, DB_ARRAY_INT8); /* what it replaces */
	add_nulls(b, DB_ARRAY_BYTEA); /* the key in the archive */
	add_numbers(b, DB_ARRAY_INT4, 1); /* somebody showed to have the key */
	add_audit(b, "certificate.issued");
	run_statement(b,
	              "SELECT r_serial, r_id FROM certificate_add($1::text, $2::int[], $3::bytea[], $4::int[], $5::int[], $6::text[], "
	              "$7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bytea[], $12::bytea[], $13::text[], $14::text[], "
	              "$15::int[], $16::text[], $17::text[], $18::text[], $19::bigint[], $20::bytea[], $21::int[], $22::bigint[], "
	              "$23::bigint[], $24::text[], $25::text[], $26::text[], $27::bytea[])",
	              CERTIFICATE_PARAMS);
}

/* One connection's work in a process of its own, as in the engine. Writes the number of rows to fd. */
static void
work(const struct config *c, int number, struct bench *b, double seconds, int fd)
{
	struct error e = {0};
	char name[48];
	long rows = 0;
	int64_t end;

	if (db_connect(c, "siegel_ca", &b->db, &e) < 0)
		die("connect", &e);
	snprintf(name, sizeof(name), "bench.%d", number);
	if (audit_open(b->db, name, &b->chain, &e) < 0)
		die("audit chain", &e);
	end = now_us() + (int64_t)(seconds * 1e6);
	while (now_us() < end) {
		intents(b);
		certificates(b);
		rows += b->batch;
	}
	db_free(b->db);
	if (write(fd, &rows, sizeof(rows)) != sizeof(rows))
		_exit(2);
}

int
main(int argc, char **argv)
{
	struct bench b = {.batch = argc > 2 ? atoi(argv[2]) : 20};
	int connections = argc > 3 ? atoi(argv[3]) : 2, fds[2], status = 0, failed = 0;
	double seconds = argc > 4 ? strtod(argv[4], NULL) : 2, cpu;
	struct error e = {0};
	struct config *c = NULL;
	struct rusage u;
	long total = 0, rows;
	int64_t start;

	b.der_len = argc > 5 ? atoi(argv[5]) : 700;
	b.tbs_len = b.der_len - 90; /* less the signature, its algorithm and the outer header */
	if (argc < 2 || b.batch < 1 || b.batch > LIMIT_BATCH || connections < 1 || connections > MAX_CONNECTIONS || b.der_len < 200 ||
	    b.der_len > MAX_ROW_BYTES) {
		fprintf(stderr, "usage: bench_commit CONFIG [BATCH [CONNECTIONS [SECONDS [CERTIFICATE-BYTES]]]]\n");
		return 2;
	}
	if (config_load(argv[1], &c, &e) < 0)
		die("configuration", &e);
	if (pipe(fds) < 0)
		return 2;
	start = now_us();
	for (int i = 0; i < connections; i++)
		if (fork() == 0) {
			work(c, i, &b, seconds, fds[1]);
			_exit(0);
		}
	for (int i = 0; i < connections; i++) {
		wait(&status);
		failed |= status;
	}
	if (failed)
		return 2;
	for (int i = 0; i < connections; i++)
		if (read(fds[0], &rows, sizeof(rows)) == sizeof(rows))
			total += rows;
	getrusage(RUSAGE_CHILDREN, &u);
	cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	printf("{\"batch\":%d,\"connections\":%d,\"rows\":%ld,\"rate\":%.0f,\"client_cpu_us\":%.2f}\n", b.batch, connections, total,
	       (double)total * 1e6 / (double)(now_us() - start), total ? cpu / (double)total : 0);
	config_free(c);
	return 0;
}
