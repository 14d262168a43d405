/* ca/manage/authority*.c: hierarchies on a real store and a real token, looked at by OpenSSL's and GnuTLS's programs. */
#include "config.h"
#include "tests/unit/ca/house.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/crl.h"
#include "ca/manage.h"
#include "ca/retire.h"
#include "ca/signer.h"
#include "lib/x509/pem.h"

static struct desk desk;
static struct config *config;
static struct arena *arena;
static struct error e;
static json_t *result;

/* Before the tests are forked: what a PKCS#11 module doesn't survive isn't loaded here. */
static void
build(void)
{
	house_build();
	test_superuser("INSERT INTO siegel.account (tenant_id, name, role) VALUES (1, 'boss', 'administrator')");
}

static void
setup(void)
{
	arena = arena_new(64 * 1024 * 1024);
	ck_assert_msg(config_load(house_path("siegel.conf"), &config, &e) == 0, "%s", e.detail);
	desk_init(&desk, config, "ca.manager");
	ck_assert_msg(desk_prepare(&desk, true, &e) == 0, "%s", e.detail);
}

static void
teardown(void)
{
	json_decref(result);
	result = NULL;
	desk_close(&desk);
	config_free(config);
	arena_free(arena);
}

/* The account "boss" of the tenant asks; body has ' for ". The id, or -1 and e. */
static int64_t
act(const char *operation, int64_t id, const char *body)
{
	static Siegel__Requestor who;
	struct manage m = {.desk = &desk, .arena = arena, .op = manage_find(operation), .id = id, .who = &who, .actor = "rest:boss"};
	char *text = arena_strdup(arena, body ? body : "{}");
	int64_t approval = 0;
	ck_assert_msg(m.op != NULL, "there is no operation %s", operation);
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	siegel__requestor__init(&who);
	who.tenant_id = 1;
	who.account_id = strtoll(test_one(desk.db, "SELECT id FROM account WHERE name = 'boss'"), NULL, 10);
	who.name = writable("boss");
	who.source = writable("rest");
	who.role = who.evidence = who.request_id = writable("x");
	m.body = json_loads(text, 0, NULL);
	ck_assert_msg(m.body != NULL, "no JSON: %s", text);
	m.whole = json_deep_copy(m.body);
	ck_assert_msg(desk_prepare(&desk, true, &e) == 0, "%s", e.detail);
	int rc = manage_run(&m, &approval, &e);
	json_decref(result);
	result = m.ret_result;
	json_decref(m.body);
	json_decref((json_t *)(uintptr_t)m.whole);
	return rc < 0 ? -1 : m.ret_id;
}

static int64_t
done(const char *operation, int64_t id, const char *body)
{
	int64_t got = act(operation, id, body);
	ck_assert_msg(got > 0, "%s %s: %s at %s: %s (%s)", operation, body ? body : "", error_name(e.code), e.pointer, e.detail, db_last_message(desk.db));
	return got;
}

static void
refused(const char *operation, int64_t id, const char *body, enum error_code code, const char *pointer, const char *says)
{
	ck_assert_msg(act(operation, id, body) == -1, "%s %s: done", operation, body ? body : "");
	ck_assert_msg(e.code == code && strcmp(e.pointer, pointer) == 0 && strstr(e.detail, says), "%s %s: %s at \"%s\": %s (%s)", operation,
		      body ? body : "", error_name(e.code), e.pointer, e.detail, db_last_message(desk.db));
}

/* A statement with the id in the place of its "%lld". */
static const char *
with_id(const char *sql, int64_t id)
{
	const char *at = strstr(sql, "%lld");
	return at ? arena_printf(arena, "%.*s%lld%s", (int)(at - sql), sql, (long long)id, at + 4) : sql;
}

/* A value of the store. */
static const char *
one(const char *sql, int64_t id)
{
	return arena_strdup(arena, test_one(desk.db, with_id(sql, id)));
}
#define STATUS(id) one("SELECT status FROM ca WHERE id = %lld", id)

/* --- what other programs say --- */

static const char *
file_of(const char *name, const char *text)
{
	house_write(name, text);
	return arena_strdup(arena, house_path(name));
}

/* A certificate of the store as a PEM file. */
static const char *
stored(const char *name, const char *sql, int64_t id)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	ck_assert_int_eq(db_query_text(desk.db, with_id(sql, id), NULL, 0, &r, &e), 0);
	ck_assert_msg(db_rows(r) == 1, "%s of %lld: %d rows", sql, (long long)id, db_rows(r));
	return file_of(name, pem_encode(arena, "CERTIFICATE", db_bytes(r, 0, 0, arena)));
}
#define OWN "SELECT certificate FROM ca WHERE id = %lld"
#define KEPT(kind) "SELECT certificate FROM ca_certificate WHERE kind = '" kind "' AND ca_id = %lld"

static bool
program(const char *const *argv)
{
	extern char **environ;
	union {
		const char *const *in;
		char *const *out;
	} u = {.in = argv};
	posix_spawn_file_actions_t files;
	pid_t pid;
	int status = 1;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 1, house_path("output"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&files, 1, 2);
	ck_assert_int_eq(posix_spawnp(&pid, argv[0], &files, NULL, u.out, environ), 0);
	posix_spawn_file_actions_destroy(&files);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status == 0;
}
#define PROGRAM(...) program((const char *const[]){__VA_ARGS__, NULL})
#define SUCCEEDS(...) ck_assert_msg(PROGRAM(__VA_ARGS__), "%s", output())

static const char *
output(void)
{
	static char text[4096];
	FILE *f = fopen(house_path("output"), "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	text[n] = '\0';
	if (f)
		fclose(f);
	return text;
}

static const char *
joined(const char *name, const char *const *files)
{
	const char *text = "";
	for (; *files; files++) {
		static char data[65536];
		FILE *f = fopen(*files, "r");
		ck_assert_ptr_nonnull(f);
		data[fread(data, 1, sizeof(data) - 1, f)] = '\0';
		fclose(f);
		text = arena_printf(arena, "%s%s", text, data);
	}
	return file_of(name, text);
}
#define JOINED(name, ...) joined(name, (const char *const[]){__VA_ARGS__, NULL})

/* A leaf by this CA, as a PEM file. */
static const char *
leaf(int64_t ca, const char *name)
{
	struct asking q;
	struct order *o CLEANUP(order_free) = NULL;
	int64_t id;
	int bad = 0;
	ck_assert_int_eq(registry_refresh(desk.registry, desk.db, &bad, &e), 0);
	ask(&q, 1, name);
	q.issue.profile = writable("client");
	q.issue.ca = arena_strdup(arena, one("SELECT name FROM ca WHERE id = %lld", ca));
	if (order_make(desk.registry, &q.issue, NULL, now_us() / 1000000, &o, &e) < 0)
		return NULL;
	ck_assert_msg(issue_one(o, desk.hsm, desk.db, &desk.chain, &id, &e) == 0, "%s", e.detail);
	return file_of(arena_printf(arena, "%s.pem", name), pem_encode(arena, "CERTIFICATE", (struct bytes){o->certificate.data, o->certificate.len}));
}

/* --- tests --- */

#define ROOT "{'name':'%s','subject':[['CN','%s'],['O','Example']],'key_type':'p256','key_store':'file'%s}"

static int64_t
root(const char *name, const char *more)
{
	return done("ca.create", 0, arena_printf(arena, ROOT, name, name, more));
}

static int64_t
sub(const char *name, const char *parent, const char *more)
{
	return done("ca.create", 0,
		    arena_printf(arena, "{'name':'%s','parent':'%s','subject':[['CN','%s']],'key_type':'p256','key_store':'file'%s}", name, parent, name, more));
}

START_TEST(test_deep)
{
	int64_t top = root("deep", ",'days':9000"), first = sub("deep-1", "deep", ",'profile':'root-ca'"), second = sub("deep-2", "deep-1", ",'profile':'root-ca'"),
		last = sub("deep-3", "deep-2", ",'is_default':false");
	ck_assert_str_eq(STATUS(top), "offline");
	ck_assert_str_eq(STATUS(last), "active");
	ck_assert_str_eq(one("SELECT crl_number FROM ca WHERE id = %lld", last), "1");
	const char *trust = stored("top.pem", OWN, top), *a = stored("a.pem", OWN, first), *b = stored("b.pem", OWN, second),
		   *c = stored("c.pem", OWN, last), *end = leaf(last, "deep-leaf");
	ck_assert_msg(end != NULL, "%s", e.detail);
	SUCCEEDS("openssl", "verify", "-x509_strict", "-CAfile", trust, "-untrusted", JOINED("mid.pem", a, b, c), end);
	const char *chain = JOINED("chain.pem", end, c, b, a, trust);
	SUCCEEDS("certtool", "--verify-chain", "--infile", chain);
	/* the last one has a path length of 0, and what it says holds */
	refused("ca.create", 0, "{'name':'deep-4','parent':'deep-3','subject':[['CN','x']],'key_store':'file'}", E_POLICY, "ca", "path length");
	/* a path length over all: 1 below the root, through one that has none of its own */
	root("narrow", ",'path_length':1");
	sub("narrow-1", "narrow", ",'profile':'root-ca'");
	refused("ca.create", 0, "{'name':'narrow-2','parent':'narrow-1','subject':[['CN','x']],'key_store':'file'}", E_POLICY, "ca", "path length");
	ck_assert_str_eq(one("SELECT count(*) FROM intent WHERE chain = 'ca.manager' AND abandoned_at IS NULL", 0), "0");
}
END_TEST

START_TEST(test_refusals)
{
	refused("ca.create", 0, "{'name':'issuing','subject':[['CN','x']]}", E_CONFLICT, "name", "there");
	refused("ca.create", 0, "{'name':'No','subject':[['CN','x']]}", E_BAD_VALUE, "name", "small letters");
	refused("ca.create", 0, "{'name':'x','subject':[['CN','x']],'parent':'nosuch'}", E_NOT_FOUND, "parent", "no such");
	refused("ca.create", 0, "{'name':'x','subject':[['CN','x']],'profile':'server'}", E_POLICY, "profile", "CAs");
	refused("ca.create", 0, "{'name':'x','subject':[['CN','x']],'profile':'nosuch'}", E_NOT_FOUND, "profile", "nosuch");
	refused("ca.create", 0, "{'name':'x','subject':[['CN','x']],'key_type':'p255'}", E_BAD_VALUE, "key_type", "p255");
	refused("ca.create", 0, "{'name':'x','subject':[['CN','x']],'key_type':'ed25519','digest':'sha256'}", E_BAD_VALUE, "digest", "ed25519");
	refused("ca.create", 0, "{'name':'x','subject':[['CN','x']],'digest':'md5'}", E_BAD_VALUE, "digest", "ecdsa-sha384");
	refused("ca.create", 0, "{'name':'x','subject':[['CN','x']],'crl_url':'https://x/y'}", E_BAD_VALUE, "crl_url", "http://");
	refused("ca.create", 0, "{'name':'x','subject':[['CN','x']],'nosuch':1}", E_BAD_VALUE, "nosuch", "nosuch");
	refused("ca.create", 0, "{'name':'x','subject':[['CN','x']],'parent':'issuing'}", E_POLICY, "ca", "path length");
	refused("ca.create", 0, "{'name':'x','subject':[['CN','x']],'is_default':true}", E_BAD_VALUE, "is_default", "offline");
	refused("ca.create", 0, "{'name':'x','subject':[['O','x']]}", E_POLICY, "subject/CN", "wants");
	refused("ca.create", 0, "{'name':'x','parent':'root','subject':[['CN','x']],'days':9000,'key_store':'nosuch'}", E_BAD_VALUE, "key_store", "");
	refused("ca.delete", 1, NULL, E_CONFLICT, "", "retired");
	refused("ca.retire", 2, NULL, E_CONFLICT, "", "default");
	refused("ca.retire", 1, NULL, E_CONFLICT, "", "issuing");
	refused("ca.revoke", 1, NULL, E_CONFLICT, "", "root");
	refused("ca.enable", 1, NULL, E_CONFLICT, "", "not disabled");
	refused("ca.update", 1, "{'is_default':true}", E_CONFLICT, "is_default", "offline");
	refused("ca.update", 77777, "{}", E_NOT_FOUND, "", "no such");
	refused("ca.install", 2, "{'certificate':'x'}", E_CONFLICT, "", "ours");
}
END_TEST

START_TEST(test_digest)
{
	int64_t id = root("digest", ",'digest':'sha512'");
	const char *pem = stored("digest.pem", OWN, id);
	SUCCEEDS("openssl", "x509", "-in", pem, "-noout", "-text");
	ck_assert_ptr_nonnull(strstr(output(), "ecdsa-with-SHA512"));
	SUCCEEDS("openssl", "verify", "-x509_strict", "-check_ss_sig", "-CAfile", pem, pem);
	int64_t below = sub("digest-1", "digest", "");
	SUCCEEDS("openssl", "x509", "-in", stored("digest1.pem", OWN, below), "-noout", "-text");
	ck_assert_ptr_nonnull(strstr(output(), "ecdsa-with-SHA512"));
}
END_TEST

/* Each family of keys as root and below it, rolled over to the next. */
START_TEST(test_key_types)
{
	static const struct {
		const char *type, *more, *shows;
	} keys[] = {{"rsa3072", ",'digest':'sha512'", "sha512WithRSAEncryption"},
		    {"rsa3072", ",'signature':'rsapss-sha384'", "rsassaPss"},
		    {"ed25519", "", "ED25519"},
		    {"p521", ",'digest':'sha512'", "ecdsa-with-SHA512"},
		    {"brainpoolp384r1", ",'digest':'sha384'", "ecdsa-with-SHA384"}};
	int64_t id = 0;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *key = arena_printf(arena, "'key_type':'%s','key_store':'file'%s", keys[i].type, keys[i].more);
		if (i == 0)
			id = done("ca.create", 0, arena_printf(arena, "{'name':'types','subject':[['CN','Types']],%s}", key));
		else
			id = done("ca.rollover", id, arena_printf(arena, "{%s}", key));
		const char *pem = stored("types.pem", OWN, id);
		SUCCEEDS("openssl", "x509", "-in", pem, "-noout", "-text");
		ck_assert_msg(strstr(output(), keys[i].shows) != NULL, "%s: %s", keys[i].type, output());
		SUCCEEDS("openssl", "verify", "-x509_strict", "-check_ss_sig", "-CAfile", pem, pem);
		if (i > 0)
			SUCCEEDS("openssl", "verify", "-x509_strict", "-CAfile",
				 stored("types-old.pem", "SELECT certificate FROM ca WHERE successor_id = %lld", id), stored("types-link.pem", KEPT("link_new_with_old"), id));
	}
	ck_assert_str_eq(one("SELECT count(*) FROM ca WHERE subject = 'CN=Types' AND status = 'superseded'", 0), "4");
}
END_TEST

/* When the last certificate of a superseded CA has ended, it is retired by itself; one whose certificates live stays. */
START_TEST(test_ended)
{
	int64_t top = root("ended", ""), gone = sub("ended-1", "ended", ""), stays = sub("ended-2", "ended", "");
	ck_assert_ptr_nonnull(leaf(gone, "e-1"));
	ck_assert_ptr_nonnull(leaf(stays, "e-2"));
	int64_t gone2 = done("ca.rollover", gone, "{'key_store':'file'}");
	done("ca.rollover", stays, "{'key_store':'file'}");
	test_superuser(arena_printf(arena, "UPDATE siegel.ca SET serves_until = now() - interval '1 minute' WHERE id IN (%lld, %lld)", (long long)gone,
				    (long long)gone2));
	ck_assert_msg(retire_ended(&desk, &e) == 0, "%s", e.detail);
	ck_assert_str_eq(STATUS(gone), "retired");
	ck_assert_str_eq(STATUS(gone2), "active");
	ck_assert_str_eq(STATUS(stays), "superseded");
	ck_assert_str_eq(STATUS(top), "offline");
	ck_assert_str_eq(one("SELECT actor FROM audit WHERE action = 'ca.retired' AND object = 'ca/%lld'", gone), "ca");
}
END_TEST

/* A root elsewhere, by the openssl program. */
static void
make_foreign(void)
{
	const char *key = arena_strdup(arena, house_path("foreign.key")), *pem = arena_strdup(arena, house_path("foreign.pem"));
	SUCCEEDS("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-keyout", key, "-out", pem, "-days", "4000",
		 "-subj", "/O=Elsewhere/CN=Foreign root", "-addext", "basicConstraints=critical,CA:TRUE,pathlen:1", "-addext",
		 "keyUsage=critical,keyCertSign,cRLSign");
}

static const char *
foreign_signs(const char *csr, const char *extensions)
{
	const char *in = file_of("in.csr", csr), *conf = file_of("ext.conf", extensions), *out = arena_strdup(arena, house_path("signed.pem"));
	unlink(out);
	SUCCEEDS("openssl", "x509", "-req", "-in", in, "-CA", arena_strdup(arena, house_path("foreign.pem")), "-CAkey",
		 arena_strdup(arena, house_path("foreign.key")), "-days", "3000", "-extfile", conf, "-out", out);
	return out;
}

static const char *
text_of(const char *path)
{
	static char data[65536];
	FILE *f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	data[fread(data, 1, sizeof(data) - 1, f)] = '\0';
	fclose(f);
	return arena_strdup(arena, data);
}

/* As a JSON string, line ends and all. */
static const char *
quoted(const char *text)
{
	json_t *j = json_string(text);
	char *s = json_dumps(j, JSON_ENCODE_ANY);
	const char *copy = arena_strdup(arena, s);
	free(s);
	json_decref(j);
	return copy;
}

static const char *
installation(const char *const *files)
{
	return arena_printf(arena, "{\"certificate\": %s}", quoted(text_of(joined("given.pem", files))));
}
#define GIVEN(...) installation((const char *const[]){__VA_ARGS__, NULL})
#define GOOD_EXTENSIONS                                                                                                            \
	"basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=0011223344\nauthorityKeyIdentifier=keyid\n"

START_TEST(test_external)
{
	make_foreign();
	const char *foreign = arena_strdup(arena, house_path("foreign.pem"));
	int64_t id = done("ca.create", 0, "{'name':'ext','external':true,'subject':[['CN','Under foreign'],['O','Example']],'key_type':'p256','key_store':'file'}");
	const char *csr = arena_strdup(arena, json_string_value(json_object_get(result, "csr")));
	ck_assert_str_eq(STATUS(id), "pending");
	SUCCEEDS("openssl", "req", "-verify", "-noout", "-text", "-in", file_of("ext.csr", csr));
	ck_assert_ptr_nonnull(strstr(output(), "CA:TRUE"));
	ck_assert_ptr_nonnull(strstr(output(), "Certificate Sign, CRL Sign"));
	ck_assert_ptr_null(leaf(id, "too-early"));
	ck_assert_int_eq(e.code, E_NOT_FOUND);
	refused("ca.install", id, "{'certificate':'nonsense'}", E_BAD_VALUE, "certificate", "PEM");
	refused("ca.install", id, GIVEN(foreign), E_POLICY, "certificate", "key");
	const char *right = foreign_signs(csr, GOOD_EXTENSIONS);
	refused("ca.install", id, GIVEN(right), E_POLICY, "certificate", "root");
	refused("ca.install", id, GIVEN(foreign_signs(csr, "keyUsage=critical,keyCertSign,cRLSign\n"), foreign), E_POLICY, "certificate", "CA");
	refused("ca.install", id, GIVEN(foreign_signs(csr, "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n" "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"), foreign), E_POLICY, "certificate",
		"cRLSign");
	right = foreign_signs(csr, GOOD_EXTENSIONS);
	done("ca.install", id, GIVEN(right, foreign));
	ck_assert_str_eq(STATUS(id), "active");
	ck_assert_str_eq(one("SELECT encode(ski, 'hex') FROM ca WHERE id = %lld", id), "0011223344");
	ck_assert_ptr_nonnull(strstr(one("SELECT crl_url FROM ca WHERE id = %lld", id), "/0011223344.crl"));
	const char *end = leaf(id, "under-foreign");
	ck_assert_msg(end != NULL, "%s", e.detail);
	const char *crl = arena_strdup(arena, house_path("crl/0011223344.crl")), *as_pem = arena_strdup(arena, house_path("ext-crl.pem"));
	SUCCEEDS("openssl", "crl", "-inform", "DER", "-in", crl, "-out", as_pem);
	SUCCEEDS("openssl", "verify", "-x509_strict", "-crl_check", "-CRLfile", as_pem, "-CAfile", foreign, "-untrusted", right, end);
	/* the path length of the root holds for what is made below */
	refused("ca.create", 0, "{'name':'ext-1','parent':'ext','subject':[['CN','x']],'key_store':'file'}", E_POLICY, "ca", "path length");
	/* the same key again, and a new one: the request goes out, the certificate comes in, and the new key takes over */
	done("ca.renew", id, NULL);
	csr = arena_strdup(arena, json_string_value(json_object_get(result, "csr")));
	right = foreign_signs(csr, GOOD_EXTENSIONS);
	done("ca.install", id, GIVEN(right, foreign));
	ck_assert_str_eq(one("SELECT count(*) FROM ca_certificate WHERE kind = 'previous' AND ca_id = %lld", id), "1");
	int64_t next = done("ca.rollover", id, "{'key_store':'file'}");
	csr = arena_strdup(arena, json_string_value(json_object_get(result, "csr")));
	ck_assert_str_eq(STATUS(id), "active");
	refused("ca.rollover", id, NULL, E_CONFLICT, "", "waits");
	done("ca.install", next, GIVEN(foreign_signs(csr, "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"), foreign));
	ck_assert_str_eq(one("SELECT name || ' ' || status || ' ' || successor_id FROM ca WHERE id = %lld", id), arena_printf(arena, "ext-g1 superseded %lld", (long long)next));
	ck_assert_str_eq(one("SELECT name || ' ' || status FROM ca WHERE id = %lld", next), "ext active");
	ck_assert_ptr_nonnull(leaf(next, "second-key"));
}
END_TEST

START_TEST(test_pending_is_deleted)
{
	int64_t id = done("ca.create", 0, "{'name':'gone','external':true,'subject':[['CN','Gone']],'key_type':'p256','key_store':'file'}");
	done("ca.delete", id, NULL);
	id = done("ca.create", 0, "{'name':'gone','external':true,'subject':[['CN','Gone']],'key_type':'p256','key_store':'file'}");
	done("ca.delete", id, NULL);
	ck_assert_str_eq(one("SELECT count(*) FROM ca WHERE name = 'gone'", 0), "0");
}
END_TEST

/* Old and new root as anchors, with the link certificates between them (RFC 9810 4.4). */
START_TEST(test_root_rollover)
{
	int64_t old = root("roll", ""), below = sub("roll-sub", "roll", "");
	const char *end = leaf(below, "roll-leaf"), *sub_pem = stored("rs.pem", OWN, below), *old_pem = stored("old.pem", OWN, old);
	ck_assert_msg(end != NULL, "%s", e.detail);
	int64_t new = done("ca.rollover", old, "{'key_type':'p384','key_store':'file'}");
	ck_assert_ptr_null(result);
	ck_assert_str_eq(one("SELECT name || ' ' || status || ' ' || generation FROM ca WHERE id = %lld", old), "roll-g1 superseded 1");
	ck_assert_str_eq(one("SELECT name || ' ' || status || ' ' || generation FROM ca WHERE id = %lld", new), "roll offline 2");
	const char *new_pem = stored("new.pem", OWN, new), *nwo = stored("nwo.pem", KEPT("link_new_with_old"), new),
		   *own = stored("own.pem", KEPT("link_old_with_new"), old);
	int64_t second = sub("roll-sub2", "roll", "");
	const char *sub2_pem = stored("rs2.pem", OWN, second), *end2 = leaf(second, "roll-leaf2");
	/* who trusts the old root verifies what the new key signed, and the other way round */
	SUCCEEDS("openssl", "verify", "-x509_strict", "-CAfile", old_pem, "-untrusted", JOINED("u1.pem", sub2_pem, nwo), end2);
	SUCCEEDS("openssl", "verify", "-x509_strict", "-CAfile", new_pem, "-untrusted", JOINED("u2.pem", sub_pem, own), end);
	SUCCEEDS("openssl", "verify", "-x509_strict", "-CAfile", new_pem, "-untrusted", sub2_pem, end2);
	SUCCEEDS("certtool", "--verify", "--load-ca-certificate", old_pem, "--infile", JOINED("c1.pem", end2, sub2_pem, nwo));
	SUCCEEDS("certtool", "--verify", "--load-ca-certificate", new_pem, "--infile", JOINED("c2.pem", end, sub_pem, own));
	ck_assert(!PROGRAM("openssl", "verify", "-CAfile", old_pem, "-untrusted", sub2_pem, end2));
	/* a CA of the old key is renewed by the new one */
	done("ca.renew", below, NULL);
	ck_assert_str_eq(one("SELECT parent_id FROM ca WHERE id = %lld", below), arena_printf(arena, "%lld", (long long)new));
	SUCCEEDS("openssl", "verify", "-x509_strict", "-CAfile", new_pem, "-untrusted", stored("rs3.pem", OWN, below), end);
	/* both keys have lists */
	struct crl_made made;
	for (int i = 0; i < 2; i++) {
		struct authority *ca = registry_authority_by_id(desk.registry, (int32_t)(i ? new : old));
		const char *crl, *pem = arena_strdup(arena, house_path("both.pem"));
		ck_assert_msg(crl_make(ca, desk.hsm, desk.db, &desk.chain, house_path("crl"), &made, &e) == 0, "%s", e.detail);
		crl = arena_printf(arena, "%s/%s.crl", house_path("crl"), one("SELECT encode(ski, 'hex') FROM ca WHERE id = %lld", i ? new : old));
		SUCCEEDS("openssl", "crl", "-inform", "DER", "-in", crl, "-CAfile", i ? new_pem : old_pem, "-out", pem);
	}
	refused("ca.rollover", old, NULL, E_CONFLICT, "", "superseded");
	refused("ca.renew", old, NULL, E_CONFLICT, "", "superseded");
}
END_TEST

START_TEST(test_sub_rollover)
{
	root("top", "");
	int64_t old = sub("shop", "top", "");
	const char *end = leaf(old, "shop-1"), *old_pem = stored("s1.pem", OWN, old), *trust = stored("t.pem", OWN, strtoll(one("SELECT id FROM ca WHERE name = 'top'", 0), NULL, 10));
	ck_assert_ptr_nonnull(end);
	int64_t new = done("ca.rollover", old, "{'key_store':'file'}");
	const char *end2 = leaf(new, "shop-2");
	ck_assert_msg(end2 != NULL, "%s", e.detail);
	SUCCEEDS("openssl", "verify", "-x509_strict", "-CAfile", trust, "-untrusted", old_pem, end);
	SUCCEEDS("openssl", "verify", "-x509_strict", "-CAfile", trust, "-untrusted", stored("s2.pem", OWN, new), end2);
	ck_assert_ptr_null(leaf(old, "shop-3"));
	ck_assert_int_eq(e.code, E_POLICY);
	ck_assert_ptr_nonnull(strstr(e.detail, "superseded"));
	ck_assert_str_eq(one("SELECT count(*) FROM ca_certificate WHERE kind LIKE 'link%' AND ca_id = %lld", new), "0");
}
END_TEST

START_TEST(test_cross)
{
	make_foreign();
	int64_t a = root("cross-a", ""), b = root("cross-b", ""), b_sub = sub("cross-b-sub", "cross-b", "");
	const char *end = leaf(b_sub, "cross-leaf"), *mid = stored("bs.pem", OWN, b_sub), *trust = stored("ca.pem", OWN, a);
	done("ca.cross", a, "{'ca':'cross-b','path_length':0}");
	const char *narrow = file_of("cross.pem", json_string_value(json_object_get(result, "certificate")));
	ck_assert(!PROGRAM("openssl", "verify", "-x509_strict", "-CAfile", trust, "-untrusted", JOINED("u.pem", mid, narrow), end));
	done("ca.cross", a, "{'ca':'cross-b','profile':'root-ca','path_length':1}");
	const char *cross = file_of("cross.pem", json_string_value(json_object_get(result, "certificate")));
	SUCCEEDS("openssl", "verify", "-x509_strict", "-CAfile", trust, "-untrusted", JOINED("u.pem", mid, cross), end);
	SUCCEEDS("certtool", "--verify", "--load-ca-certificate", trust, "--infile", JOINED("u.pem", end, mid, cross));
	ck_assert_str_eq(one("SELECT count(*) FROM ca_certificate WHERE kind = 'cross' AND ca_id = %lld", b), "2");
	/* one elsewhere, by its certificate */
	const char *foreign = text_of(house_path("foreign.pem"));
	done("ca.cross", a, arena_printf(arena, "{\"certificate\": %s, \"profile\": \"root-ca\"}", quoted(foreign)));
	cross = file_of("cross.pem", json_string_value(json_object_get(result, "certificate")));
	SUCCEEDS("openssl", "verify", "-x509_strict", "-CAfile", trust, cross);
	refused("ca.cross", a, "{'ca':'cross-a'}", E_BAD_VALUE, "ca", "itself");
	refused("ca.cross", a, "{}", E_BAD_VALUE, "ca", "one of");
	refused("ca.cross", a, arena_printf(arena, "{\"certificate\": %s}", quoted(text_of(end))), E_POLICY, "certificate", "CA");
}
END_TEST

START_TEST(test_out_of_service)
{
	int64_t top = root("serve", ""), id = sub("serve-1", "serve", ""), other = sub("serve-2", "serve", "");
	ck_assert_ptr_nonnull(leaf(id, "s-1"));
	done("ca.disable", id, NULL);
	ck_assert_ptr_null(leaf(id, "s-2"));
	done("ca.enable", id, NULL);
	ck_assert_ptr_nonnull(leaf(id, "s-3"));
	refused("ca.retire", id, NULL, E_CONFLICT, "", "2 of its certificates");
	refused("ca.retire", top, NULL, E_CONFLICT, "", "serve-1, serve-2");
	done("ca.retire", other, NULL);
	ck_assert_str_eq(STATUS(other), "retired");
	done("ca.revoke", id, "{'reason':1}");
	ck_assert_str_eq(STATUS(id), "revoked");
	ck_assert_ptr_null(leaf(id, "s-4"));
	ck_assert_str_eq(one("SELECT r.reason FROM revocation r JOIN ca_certificate k ON k.serial = r.serial AND r.ca_id = k.issuer_id WHERE k.ca_id = %lld", id), "2");
	ck_assert_str_eq(one("SELECT crl_wanted_at IS NOT NULL FROM ca WHERE id = %lld", top), "t");
	ck_assert_str_eq(one("SELECT count(*) FROM blocked_key b JOIN ca USING (spki_hash) WHERE ca.id = %lld", id), "1");
	refused("ca.renew", id, NULL, E_CONFLICT, "", "revoked");
	/* all that lives is revoked, and the list goes on */
	int64_t last = sub("serve-3", "serve", "");
	ck_assert_ptr_nonnull(leaf(last, "s-5"));
	done("ca.retire", last, "{'revoke':true}");
	ck_assert_str_eq(STATUS(last), "superseded");
	ck_assert_str_eq(one("SELECT count(*) FROM revocation WHERE ca_id = %lld", last), "1");
}
END_TEST

START_TEST(test_update)
{
	root("upd", "");
	int64_t id = sub("upd-1", "upd", ",'is_default':true");
	ck_assert_str_eq(one("SELECT name FROM ca WHERE is_default AND tenant_id = 1", 0), "upd-1");
	done("ca.update", id, "{'crl_interval_sec':7200,'base_url':'http://elsewhere.example/','owner':'me','metadata':{'site':'x'}}");
	ck_assert_str_eq(one("SELECT crl_interval_sec || ' ' || ocsp_url || ' ' || (crl_url = 'http://elsewhere.example/crl/' || encode(ski, 'hex') || '.crl') || owner FROM ca"
			     " WHERE id = %lld", id), "7200 http://elsewhere.example/ocsp trueme");
	done("ca.update", 2, "{'is_default':true}");
	ck_assert_str_eq(one("SELECT name FROM ca WHERE is_default AND tenant_id = 1", 0), "issuing");
	done("ca.update", id, "{'name':'renamed'}");
	refused("ca.update", id, "{'name':'issuing'}", E_CONFLICT, "name", "taken");
	/* each of them left its row in the audit log */
	ck_assert_str_eq(one("SELECT string_agg(action, ' ' ORDER BY seq) FROM audit WHERE object = 'ca/%lld'", id), "ca.created ca.changed ca.changed");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hierarchies");
	TCase *c = tcase_create("hierarchies");
	tcase_add_unchecked_fixture(c, build, NULL);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_refusals);
	tcase_add_test(c, test_deep);
	tcase_add_test(c, test_digest);
	tcase_add_test(c, test_key_types);
	tcase_add_test(c, test_ended);
	tcase_add_test(c, test_external);
	tcase_add_test(c, test_pending_is_deleted);
	tcase_add_test(c, test_root_rollover);
	tcase_add_test(c, test_sub_rollover);
	tcase_add_test(c, test_cross);
	tcase_add_test(c, test_out_of_service);
	tcase_add_test(c, test_update);
	tcase_set_timeout(c, 60);
	suite_add_tcase(s, c);
	return test_main(s);
}
