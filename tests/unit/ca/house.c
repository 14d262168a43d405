#include "tests/unit/ca/house.h"

#include <fcntl.h>
#include <openssl/x509.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/bootstrap.h"
#include "hsm/hsm.h"

static char dir[64];
static struct error e;

const char *
house_dir(void)
{
	return dir;
}

const char *
house_path(const char *name)
{
	static char paths[4][512];
	static unsigned at;
	char *path = paths[at++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

void
house_write(const char *name, const char *text)
{
	unlink(house_path(name));
	int fd = open(house_path(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void
make_token(void)
{
	extern char **environ;
	const char *const argv[] = {"softhsm2-util", "--init-token", "--free", "--label", "t", "--pin", "123456", "--so-pin", "12345678", NULL};
	union {
		const char *const *in;
		char *const *out;
	} u = {.in = argv};
	char text[256];
	pid_t pid;
	int status = 1;
	posix_spawn_file_actions_t quiet;
	ck_assert_int_eq(mkdir(house_path("tokens"), 0700), 0);
	snprintf(text, sizeof(text), "directories.tokendir = %s/tokens\nlog.level = ERROR\n", dir);
	house_write("softhsm2.conf", text);
	setenv("SOFTHSM2_CONF", house_path("softhsm2.conf"), 1);
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	ck_assert_int_eq(posix_spawnp(&pid, argv[0], &quiet, NULL, u.out, environ), 0);
	posix_spawn_file_actions_destroy(&quiet);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static void
make_config(void)
{
	static const char *const places[] = {"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so"};
	const char *module = NULL, *user = getpwuid(getuid())->pw_name;
	char text[2048];
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (access(places[i], R_OK) == 0)
			module = places[i];
	ck_assert_msg(module, "SoftHSM isn't installed");
	house_write("pin", "123456\n");
	house_write("ocsp-key", OCSP_KEY "\n");
	house_write("master-key", OCSP_KEY "\n");
	snprintf(text, sizeof(text),
		 "[database]\nhost = %s\nname = siegel\n[sockets]\ndir = %s/sockets\n[peers]\napi = %s\nest = %s\nscep = %s\nacme = %s\nsched = %s\n"
		 "[ca]\nworkers = 2\nlanes = 2\npkcs11_module = %s\ntoken_label = t\npin_file = %s/pin\nkey_dir = %s/keys\n"
		 "master_key_file = %s/master-key\nocsp_key_file = %s/ocsp-key\ncrl_dir = %s/crl\n",
		 config_str(test_config(), OPT_database_host), dir, user, user, user, user, user, module, dir, dir, dir, dir, dir);
	house_write("siegel.conf", text);
}

void
house_build(void)
{
	snprintf(dir, sizeof(dir), "%s/house", getenv("SIEGEL_TEST_DIR"));
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	ck_assert_int_eq(mkdir(house_path("sockets"), 0755), 0);
	ck_assert_int_eq(mkdir(house_path("keys"), 0700), 0);
	ck_assert_int_eq(mkdir(house_path("crl"), 0755), 0);
	setenv("SIEGEL_PROFILES", TOP_SRCDIR "/ca/profiles", 1);
	make_token();
	make_config();
	ck_assert_int_eq(house_bootstrap(house_plan("default")), 0);
}

const char *
house_plan(const char *tenant)
{
	static char text[1024];
	snprintf(text, sizeof(text),
		 "{\"tenant\": \"%s\", \"base_url\": \"http://pki.example\","
		 " \"root\": {\"name\": \"root\", \"subject\": [[\"CN\", \"Root of %s\"]], \"key\": \"p256\", \"days\": 7300},"
		 " \"issuing\": {\"name\": \"issuing\", \"subject\": [[\"CN\", \"Issuing\"], [\"O\", \"%s\"]], \"key\": \"p256\", \"days\": 5475},"
		 " \"profiles\": [\"server\", \"client\", \"device\"]}",
		 tenant, tenant, tenant);
	return text;
}

int
house_bootstrap(const char *plan)
{
	int status = 1;
	house_write("plan.json", plan);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct config *c = NULL;
		int rc = config_load(house_path("siegel.conf"), &c, &e);
		if (rc == 0)
			rc = bootstrap(c, house_path("plan.json"), &e);
		config_free(c);
		_exit(rc == 0 ? 0 : (int)e.code);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "the bootstrap ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

void
house_open(struct house *h, const char *chain)
{
	int bad = 0;
	*h = (struct house){.registry = registry_new()};
	ck_assert_msg(config_load(house_path("siegel.conf"), &h->config, &e) == 0, "%s", e.detail);
	ck_assert_msg(db_connect(h->config, "siegel_ca", &h->db, &e) == 0, "%s", e.detail);
	ck_assert_msg(audit_open(h->db, chain, &h->chain, &e) == 0, "%s", e.detail);
	ck_assert_msg(hsm_open(h->config, &h->hsm, &e) == 0, "%s", e.detail);
	ck_assert_msg(registry_refresh(h->registry, h->db, &bad, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(bad, 0);
}

void
house_close(struct house *h)
{
	registry_free(h->registry);
	hsm_close(h->hsm);
	db_free(h->db);
	config_free(h->config);
}

struct authority *
house_issuing(const struct house *h)
{
	struct authority *ca = registry_authority(h->registry, 1, "");
	ck_assert_ptr_nonnull(ca);
	ck_assert_str_eq(ca->name, "issuing");
	return ca;
}

int64_t
house_number(struct house *h, const char *sql)
{
	return strtoll(test_one(h->db, sql), NULL, 10);
}

char *
writable(const char *s)
{
	union {
		const char *in;
		char *out;
	} u = {.in = s};
	return u.out;
}

void
ask(struct asking *q, int32_t tenant, const char *cn)
{
	memset(q, 0, sizeof(*q));
	siegel__issue__init(&q->issue);
	siegel__requestor__init(&q->requestor);
	siegel__attribute__init(&q->attribute);
	snprintf(q->cn, sizeof(q->cn), "%s", cn);
	q->attribute.type = writable("CN");
	q->attribute.value = q->cn;
	q->subject[0] = &q->attribute;
	q->requestor.tenant_id = tenant;
	q->requestor.source = writable("rest");
	q->requestor.name = writable("line1");
	q->requestor.role = writable("requestor");
	q->requestor.evidence = writable("token");
	q->requestor.request_id = writable("r-1");
	q->issue.requestor = &q->requestor;
	q->issue.profile = writable("server");
	q->issue.subject = q->subject;
	q->issue.n_subject = 1;
}

void
ask_with_key(struct asking *q, uint8_t key, uint8_t body)
{
	memset(q->key, key, sizeof(q->key));
	memset(q->body, body, sizeof(q->body));
	q->issue.request_key = (ProtobufCBinaryData){.data = q->key, .len = sizeof(q->key)};
	q->issue.body_hash = (ProtobufCBinaryData){.data = q->body, .len = sizeof(q->body)};
	q->issue.window_sec = 600;
}

void
ask_with_csr(struct asking *q, EVP_PKEY *key)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	ck_assert_int_eq(X509_REQ_set_pubkey(req, key), 1);
	ck_assert_int_gt(X509_REQ_sign(req, key, EVP_sha256()), 0);
	int len = i2d_X509_REQ(req, &der);
	ck_assert_int_gt(len, 0);
	ask_free(q);
	q->issue.csr = (ProtobufCBinaryData){.data = der, .len = (size_t)len};
	X509_REQ_free(req);
}

void
ask_free(struct asking *q)
{
	OPENSSL_free(q->issue.csr.data);
	q->issue.csr = (ProtobufCBinaryData){0};
}
