/* Issues a certificate from each template with each type of key that it takes, below a hierarchy of templates, into a folder: what
 * tests/unit/ca/test_templates.py then shows to other implementations. Usage: issue_templates FOLDER-OF-TEMPLATES FOLDER */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/x509/pem.h"
#include "tests/unit/ca/inprocess.h"

DEFINE_CLEANUP(json_t, json_decref)

static const char *templates, *folder;

static void
must(bool ok, const char *what, const struct error *e)
{
	if (ok)
		return;
	fprintf(stderr, "%s: %s\n", what, e ? e->detail : "failed");
	exit(1);
}

static void
write_pem(const char *name, struct bytes der)
{
	char path[4096];
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	snprintf(path, sizeof(path), "%s/%s.pem", folder, name);
	FILE *f = fopen(path, "w");
	must(f && fputs(pem_encode(a, "CERTIFICATE", der), f) >= 0 && fclose(f) == 0, path, NULL);
}

/* A template has its texts in both languages. */
static struct profile *
load(const char *name)
{
	static const char *const texts[] = {"title", "title_de", "description", "description_de", "kind"};
	char path[4096];
	json_error_t where;
	struct error e;
	snprintf(path, sizeof(path), "%s/%s.json", templates, name);
	json_t *file CLEANUP(json_decref) = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
	must(file != NULL, path, NULL);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		must(json_string_length(json_object_get(file, texts[i])) > 0, path, NULL);
	must(json_object_size(file) == ARRAY_LEN(texts) + 1, path, NULL);
	char *definition = json_dumps(json_object_get(file, "definition"), JSON_COMPACT);
	struct profile *p = profile_try(definition, json_string_value(json_object_get(file, "kind")), &e);
	must(p != NULL, path, &e);
	free(definition);
	return p;
}

/* A request that brings all that the profile takes. */
static void
fill(struct asked *q, const struct profile *p)
{
	static const char *const names[NAME_KIND_COUNT] = {"host.example.com", "192.0.2.7", "a.b@example.com", "urn:example:host:1", "a.b@example.com",
	    "1.3.6.1.4.1.99999.7:0a1b2c3d", "1.3.6.1.4.1.99999.8", "A-1"};
	asked_init(q, NULL);
	for (size_t i = 0; i < p->n_allowed; i++) {
		const char *type = p->allowed[i]->name;
		if (strcmp(type, "DC") == 0)
			asked_attribute(q, type, "com"); /* and below it example */
		asked_attribute(q, type, strcmp(type, "C") == 0 ? "DE" : strcmp(type, "DC") == 0 ? "example" : strcmp(type, "CN") == 0 ? "host.example.com" : "Text 1");
	}
	for (int i = 0; i < NAME_KIND_COUNT; i++)
		if (p->name_allowed[i])
			asked_name(q, (Siegel__Name__Kind)i, names[i]);
}

static struct authority *
make_ca(struct authority *issuer, const char *template, const char *cn)
{
	struct profile *p = load(template);
	struct asked q;
	asked_init(&q, cn);
	struct authority *ca = ca_below(issuer, p, "p256", &q, time(NULL));
	write_pem(template, ca->cert.whole);
	profile_free(p);
	return ca;
}

/* One key of each type serves all templates: RSA keys take seconds to make. */
static EVP_PKEY *
key_of(const struct keytype *type)
{
	static struct {
		const struct keytype *type;
		EVP_PKEY *key;
	} made[64];
	struct error e;
	size_t i = 0;
	while (made[i].type && made[i].type != type)
		i++;
	must(i < ARRAY_LEN(made) - 1, "room for keys", NULL);
	if (!made[i].type) {
		must(keytype_generate(type, &made[i].key, &e) == 0, type->name, &e);
		made[i].type = type;
	}
	return made[i].key;
}

static void
issue(struct authority *ca, const char *template, const struct profile *p, const struct keytype *type)
{
	struct asked q;
	struct error e;
	char name[256];
	fill(&q, p);
	if (keytype_available(type, &e) < 0)
		return;
	struct order *o = order_signed(ca, p, key_of(type), &q, time(NULL), &e);
	must(o != NULL, template, &e);
	snprintf(name, sizeof(name), "%s--%s", template, type->name);
	write_pem(name, (struct bytes){o->certificate.data, o->certificate.len});
	order_free(o);
}

int
main(int argc, char **argv)
{
	must(argc == 3, "usage: issue_templates FOLDER-OF-TEMPLATES FOLDER", NULL);
	templates = argv[1];
	folder = argv[2];
	struct authority *root = make_ca(NULL, "root-ca", "Root"), *middle = make_ca(root, "sub-ca-policy", "Policy CA");
	struct authority *issuing = make_ca(middle, "sub-ca", "Issuing CA");
	authority_free(make_ca(middle, "sub-ca-tls", "TLS CA"));
	authority_free(make_ca(middle, "sub-ca-domain", "Domain CA"));
	DIR *d = opendir(templates);
	must(d != NULL, templates, NULL);
	for (const struct dirent *f; (f = readdir(d));) {
		char name[256];
		const char *dot = strstr(f->d_name, ".json");
		if (!dot)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(dot - f->d_name), f->d_name);
		struct profile *p = load(name);
		for (size_t i = 0; i < p->n_keys && !p->ca; i++)
			if (keytype_made(p->keys[i])->family != KEY_RSA || keytype_made(p->keys[i])->bits <= 3072) /* larger ones take seconds to make */
				issue(issuing, name, p, keytype_made(p->keys[i]));
		profile_free(p);
	}
	closedir(d);
	authority_free(issuing);
	authority_free(middle);
	authority_free(root);
	return 0;
}
