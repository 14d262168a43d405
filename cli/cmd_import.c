/* "import FILE|FOLDER…": hands in what another PKI issued, waits for the job, and tells what wasn't taken. */
#include <config.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/table.h"
#include "lib/limits.h"

#define JOB_POLL_MS 300
#define TOLD_MAX 200
#define FOLDERS_OPEN 16

struct files {
	char **paths;
	size_t n;
	const char *passwords; /* the file of passwords isn't one of them */
};

/* nftw() has no argument of its own. */
static struct files *walked;

static int
take_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_F || !S_ISREG(st->st_mode) || (walked->passwords && strcmp(walked->passwords, path) == 0))
		return 0;
	if (walked->n == LIMIT_IMPORT_FILES)
		return E2BIG;
	walked->paths = xrealloc(walked->paths, (walked->n + 1) * sizeof(*walked->paths));
	walked->paths[walked->n++] = xstrdup(path);
	return 0;
}

static void
files_free(struct files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->paths[i]);
	free(f->paths);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All files that the words name, folders with what is in them; links aren't followed. */
static int
find_files(struct cli *c, struct files *ret, struct error *e)
{
	walked = ret;
	for (size_t i = 0; i < c->args.n_words; i++) {
		int rc = nftw(c->args.words[i], take_file, FOLDERS_OPEN, FTW_PHYS);

		if (rc == E2BIG)
			return fail(e, E_TOO_LARGE, "there are more than %d files: import them in several runs", LIMIT_IMPORT_FILES);
		if (rc != 0)
			return fail(e, E_UNAVAILABLE, "can't read %s: %s", c->args.words[i], strerror(errno));
	}
	if (ret->n == 0)
		return fail(e, E_NOT_FOUND, "there is no file to import");
	qsort(ret->paths, ret->n, sizeof(*ret->paths), by_name);
	return 0;
}

static int
create(struct cli *c, struct client *cl, const char **ret_id, struct error *e)
{
	static const char *const options[] = {"profile", "key-store", "base-url", "owner"}, *const names[] = {"profile", "key_store",
	                                                                                                      "base_url", "owner"};
	const char *name = args_get(&c->args, "name");
	JSON_CLEANUP json_t *attributes = json_pack("{s:s}", "name", name ? name : c->args.words[0]), *body = NULL, *doc = NULL;

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (args_get(&c->args, options[i]))
			json_object_set_new(attributes, names[i], json_string(args_get(&c->args, options[i])));
	if (args_has(&c->args, "archive-keys"))
		json_object_set_new(attributes, "archive_keys", json_true());
	body = json_pack("{s:{s:s,s:O}}", "data", "type", "imports", "attributes", attributes);
	if (client_call(cl, "POST", "/imports", body, &doc, e) < 0 || client_done(doc, e) < 0)
		return -1;
	*ret_id = arena_strdup(c->arena, json_string_value(json_object_get(json_object_get(doc, "data"), "id")));
	return 0;
}

static int
hand_in(struct cli *c, struct client *cl, const char *id, const char *file, const char *kind, struct error *e)
{
	JSON_CLEANUP json_t *doc = NULL;
	const char *path = arena_printf(c->arena, "/imports/%s/files?name=%s&kind=%s", id, client_encode(cl, file), kind);
	struct error why;

	if (client_send_file(cl, path, file, &doc, &why) < 0)
		return fail(e, why.code, "%s: %s", file, why.detail);
	return 0;
}

/* Waits, and shows how far it is where somebody looks. */
static int
wait_for(struct cli *c, struct client *cl, const char *job, json_t **ret, struct error *e)
{
	const struct timespec pause = {.tv_nsec = JOB_POLL_MS * 1000000L};
	bool shows = isatty(STDERR_FILENO);

	for (;;) {
		JSON_CLEANUP json_t *doc = NULL;
		const json_t *data, *attributes;

		if (client_call(cl, "GET", arena_printf(c->arena, "/jobs/%s", job), NULL, &doc, e) < 0)
			return -1;
		data = json_object_get(doc, "data");
		attributes = json_object_get(data, "attributes");
		if (shows)
			fprintf(stderr, "\r%lld done, %lld not taken ", (long long)json_integer_value(json_object_get(attributes, "done")),
			        (long long)json_integer_value(json_object_get(attributes, "failed")));
		if (strcmp(resource_text(data, "status"), "queued") != 0 && strcmp(resource_text(data, "status"), "running") != 0) {
			if (shows)
				fprintf(stderr, "\n");
			*ret = json_incref((json_t *)(uintptr_t)data);
			return 0;
		}
		nanosleep(&pause, NULL);
	}
}

static int
tell_failures(struct cli *c, struct client *cl, const char *job, struct error *e)
{
	static const char *const headings[] = {"NOT TAKEN", "WHY"};
	JSON_CLEANUP json_t *doc = NULL;
	struct table *t = table_new(c->arena, headings, ARRAY_LEN(headings));
	const json_t *item;
	size_t i;

	if (client_call(
		cl, "GET",
		arena_printf(c->arena, "/job_items?filter%%5Bjob%%5D=%s&filter%%5Bstatus%%5D=failed&page%%5Bsize%%5D=%d", job, TOLD_MAX),
		NULL, &doc, e) < 0)
		return -1;
	json_array_foreach(json_object_get(doc, "data"), i, item) {
		const char *cells[] = {resource_text(item, "object"), resource_text(item, "detail")};

		table_row(t, cells);
	}
	if (json_array_size(json_object_get(doc, "data")))
		table_print(t, stdout);
	return 0;
}

static int
finish(struct cli *c, struct client *cl, const char *job, struct error *e)
{
	JSON_CLEANUP json_t *data = NULL;
	const json_t *attributes;
	long long done, failed;

	if (wait_for(c, cl, job, &data, e) < 0)
		return -1;
	if (c->json)
		cli_print_json(data);
	else if (tell_failures(c, cl, job, e) < 0)
		return -1;
	if (strcmp(resource_text(data, "status"), "done") != 0)
		return fail(e, E_CONFLICT, "job %s is %s: %s", job, resource_text(data, "status"), resource_text(data, "error"));
	attributes = json_object_get(data, "attributes");
	done = json_integer_value(json_object_get(attributes, "done"));
	failed = json_integer_value(json_object_get(attributes, "failed"));
	if (!c->json)
		printf("%lld items taken or here already, %lld not taken; the report is job %s\n", done, failed, job);
	return failed ? fail(e, E_CONFLICT, "%lld items weren't taken", failed) : 0;
}

static int
run_import(struct cli *c, struct error *e)
{
	CLEANUP(client_free) struct client *cl = NULL;
	JSON_CLEANUP json_t *doc = NULL;
	struct files files = {.passwords = args_get(&c->args, "passwords")};
	const char *id = NULL;
	struct error why;
	int rc = find_files(c, &files, e);

	if (rc == 0 && (client_new(c, &cl, e) < 0 || client_use_token(cl, e) < 0 || create(c, cl, &id, e) < 0))
		rc = -1;
	for (size_t i = 0; rc == 0 && i < files.n; i++)
		rc = hand_in(c, cl, id, files.paths[i], "data", e);
	if (rc == 0 && files.passwords)
		rc = hand_in(c, cl, id, files.passwords, "passwords", e);
	files_free(&files);
	if (rc < 0 || client_call(cl, "POST", arena_printf(c->arena, "/imports/%s/start", id), NULL, &doc, e) < 0)
		return -1;
	if (client_done(doc, &why) < 0)
		return fail(e, why.code, "import %s has its files; %s", id, why.detail);
	return finish(c, cl, json_string_value(json_object_get(json_object_get(doc, "data"), "id")), e);
}

static const struct arg_spec options[] = {
	{"passwords", ARG_VALUE, "FILE", "CSV of file and password; the file * stands for any"},
	{"name", ARG_VALUE, "NAME", "of the import"},
	{"profile", ARG_VALUE, "NAME", "what the certificates belong to; left out: by their purposes"},
	{"key-store", ARG_VALUE, "NAME", "where keys of CAs go; left out: the default"},
	{"base-url", ARG_VALUE, "URL", "of the addresses for status; left out: as the other CAs have"},
	{"archive-keys", ARG_FLAG, NULL, "keep private keys of certificates in the archive"},
	{"owner", ARG_VALUE, "OWNER", "of all that is imported"},
	{NULL, ARG_FLAG, NULL, NULL},
};

const struct command commands_import[] = {
	{"import", NULL, "FILE|FOLDER…", 1, ARGS_MAX - 1, "import certificates, hierarchies with keys, and CRLs", options, run_import},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL},
};
