#include "cli/client.h"
#include "cli/file.h"
#include "cli/list.h"

#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/x509/pem.h"

static const struct {
	const char *option, *attribute;
	bool many;
} inputs[] = {
	{"cn", "cn", false},       {"o", "o", false},         {"ou", "ou", false},           {"c", "c", false},
	{"st", "st", false},       {"l", "l", false},         {"serial-number", "serial_number", false},
	{"dns", "dns", true},      {"ip", "ip", true},        {"email", "email", true},      {"uri", "uri", true},
	{"upn", "upn", true},      {"hardware", "hardware", true},                           {"rid", "rid", true},
	{"permanent-identifier", "permanent_identifier", true},
	{"profile", "profile", false}, {"ca", "ca", false},   {"key-type", "key_type", false},
};

static const char *const types[][2] = {{"server", "cert_server"}, {"client", "cert_client"}, {"device", "cert_device"}};

static const char *
type_of(const char *word)
{
	for (size_t i = 0; word && i < ARRAY_LEN(types); i++) {
		if (strcmp(word, types[i][0]) == 0 || strcmp(word, types[i][1]) == 0)
			return types[i][1];
	}
	return NULL;
}

/* All values of one input: an array, or the one value; NULL with nothing wrong when the option isn't given. */
static int
input_value(const struct args *args, size_t input, json_t **ret, struct error *e)
{
	JSON_CLEANUP json_t *list = json_array();
	const char *value;
	size_t at = 0;

	while ((value = args_next(args, inputs[input].option, &at))) {
		if (json_array_append_new(list, json_string(value)) < 0)
			return fail(e, E_BAD_VALUE, "the value of --%s isn't UTF-8", inputs[input].option);
	}
	*ret = NULL;
	if (json_array_size(list) > 0)
		*ret = json_incref(inputs[input].many ? list : json_array_get(list, 0));
	return 0;
}

static int
make_attributes(const struct args *args, const char *csr, long days, json_t **ret, struct error *e)
{
	JSON_CLEANUP json_t *attributes = json_object();

	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		json_t *value;

		if (input_value(args, i, &value, e) < 0)
			return -1;
		if (value)
			json_object_set_new(attributes, inputs[i].attribute, value);
	}
	if (csr && json_object_set_new(attributes, "csr", json_string(csr)) < 0)
		return fail(e, E_BAD_CSR, "the signing request isn't UTF-8, so it isn't PEM");
	if (days)
		json_object_set_new(attributes, "cert_days", json_integer(days));
	*ret = TAKE(attributes);
	return 0;
}

/* The password of a PKCS#12: the first line of a file, never an argument. */
static int
add_password(struct cli *c, json_t *attributes, struct error *e)
{
	const char *path = args_get(&c->args, "password-file"), *text;
	json_t *password;

	if (!path)
		return 0;
	if (file_read(c->arena, path, LIMIT_PASSWORD_BYTES, &text, e) < 0)
		return -1;
	password = json_stringn(text, strcspn(text, "\r\n"));
	if (!password || json_string_length(password) == 0)
		return fail(e, E_BAD_VALUE, "%s has no password in its first line", path);
	json_object_set_new(attributes, "pkcs12_password", password);
	return 0;
}

/* Files that an answer can go into. The key comes first: it can't be had a second time. */
static const struct {
	const char *option, *attribute;
	mode_t mode;
	bool base64;
} outputs[] = {
	{"key-out", "private_key_pem", 0600, false},
	{"pkcs12-out", "pkcs12", 0600, true},
	{"out", "pem", 0644, false},
	{"chain-out", "chain_pem", 0644, false},
};

static int
write_files(struct cli *c, const json_t *doc, struct error *e)
{
	for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
		const char *path = args_get(&c->args, outputs[i].option);
		const char *text = resource_text(json_object_get(doc, "data"), outputs[i].attribute);

		if (!path)
			continue;
		if (!text[0])
			return fail(e, E_NOT_FOUND, "the answer has no %s for --%s", outputs[i].attribute, outputs[i].option);
		struct bytes data = {(const uint8_t *)text, strlen(text)};
		if (outputs[i].base64 && base64_decode(c->arena, text, strlen(text), &data, e) < 0)
			return -1;
		if (file_write(c->arena, path, data.data, data.len, outputs[i].mode, e) < 0)
			return -1;
	}
	return 0;
}

/* What was written into files is left out of what is shown. */
static void
show_issued(struct cli *c, json_t *doc)
{
	json_t *attributes = json_object_get(json_object_get(doc, "data"), "attributes");

	for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
		const char *path = args_get(&c->args, outputs[i].option);

		if (path && strcmp(path, "-") == 0)
			return; /* standard output is the file's alone */
		/* a key that has its file isn't printed as well, not even for programs */
		if (path && (!c->json || i <= 1))
			json_object_del(attributes, outputs[i].attribute);
	}
	list_show(c, doc);
}

/* Options that exclude or need each other; everything that can be refused is refused before a certificate exists. */
static int
check_issue(struct cli *c, struct error *e)
{
	const char *key_out = args_get(&c->args, "key-out"), *pkcs12_out = args_get(&c->args, "pkcs12-out");

	if (!type_of(args_get(&c->args, "type")))
		return cli_usage(e, "--type is one of server, client, device");
	if (args_has(&c->args, "csr") && key_out)
		return cli_usage(e, "with --csr the private key stays where it is: --key-out can't be given");
	if (args_has(&c->args, "csr") && args_has(&c->args, "key-type"))
		return cli_usage(e, "--key-type is for a key that the engine makes; --csr brings its own");
	if (args_has(&c->args, "csr") && pkcs12_out)
		return cli_usage(e, "with --csr the private key stays where it is: --pkcs12-out can't be given");
	if (args_has(&c->args, "csr") + (key_out != NULL) + (pkcs12_out != NULL) != 1)
		return cli_usage(e, "one of --csr, --key-out and --pkcs12-out is wanted");
	if (!pkcs12_out != !args_has(&c->args, "password-file"))
		return cli_usage(e, "--pkcs12-out and --password-file go together");
	if (pkcs12_out && (file_absent(pkcs12_out, e) < 0 || file_possible(c->arena, pkcs12_out, e) < 0))
		return -1;
	if (key_out && (file_absent(key_out, e) < 0 || file_possible(c->arena, key_out, e) < 0))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
		const char *path = args_get(&c->args, outputs[i].option);

		if (path && file_possible(c->arena, path, e) < 0)
			return -1;
	}
	return 0;
}

static int
run_issue(struct cli *c, struct error *e)
{
	JSON_CLEANUP json_t *attributes = NULL;
	JSON_CLEANUP json_t *body = NULL;
	JSON_CLEANUP json_t *doc = NULL;
	CLEANUP(client_free) struct client *cl = NULL;
	const char *type = type_of(args_get(&c->args, "type")), *csr_path = args_get(&c->args, "csr"), *csr = NULL;
	const char *key = args_get(&c->args, "idempotency-key");
	int rc = check_issue(c, e);
	long days;

	if (rc)
		return rc;
	if (args_number(&c->args, "days", 1, LIMIT_VALIDITY_DAYS, 0, &days, e) < 0)
		return CLI_USAGE;
	if (csr_path && file_read(c->arena, csr_path, LIMIT_BODY_BYTES, &csr, e) < 0)
		return -1;
	if (make_attributes(&c->args, csr, days, &attributes, e) < 0 || add_password(c, attributes, e) < 0)
		return -1;
	body = json_pack("{s:{s:s,s:O}}", "data", "type", type, "attributes", attributes);
	if (client_new(c, &cl, e) < 0 || client_use_token(cl, e) < 0 || (key && client_header(cl, "Idempotency-Key", key, e) < 0))
		return -1;
	if (client_call(cl, "POST", arena_printf(c->arena, "/%s", type), body, &doc, e) < 0 || client_done(doc, e) < 0 || write_files(c, doc, e) < 0)
		return -1;
	show_issued(c, doc);
	return 0;
}

static const struct list_column columns[] = {
	{"ID", "id"},         {"TYPE", "type"},           {"SUBJECT", "subject"}, {"STATUS", "status"},
	{"PROFILE", "profile"}, {"NOT AFTER", "not_after"}, {"SERIAL", "serial"},
};

static int
run_list(struct cli *c, struct error *e)
{
	return list_run(c, "certificates", columns, ARRAY_LEN(columns), e);
}

/* The id of the certificate that a word names: up to 18 decimal digits are an id, all else is a serial in hexadecimal, with or
 * without colons. Our serials have more digits. */
static int
find_id(struct cli *c, struct client *cl, const char *word, const char **ret, struct error *e)
{
	JSON_CLEANUP json_t *doc = NULL;
	char *serial = arena_alloc(c->arena, strlen(word) + 1);
	const char *id, *path;
	size_t n = 0;

	if (strlen(word) <= 18 && word[strspn(word, "0123456789")] == '\0') {
		*ret = word;
		return 0;
	}
	for (const char *p = word; *p; p++) {
		if (*p != ':')
			serial[n++] = *p >= 'A' && *p <= 'F' ? (char)(*p - 'A' + 'a') : *p;
	}
	if (serial[strspn(serial, "0123456789abcdef")] != '\0')
		return fail(e, E_BAD_VALUE, "\"%s\" is neither an id nor a serial number in hexadecimal", word);
	path = arena_printf(c->arena, "/certificates?%s=%s", client_encode(cl, "filter[serial]"), serial);
	if (client_call(cl, "GET", path, NULL, &doc, e) < 0)
		return -1;
	if (json_array_size(json_object_get(doc, "data")) > 1)
		return fail(e, E_CONFLICT, "several CAs have issued that serial number: use the id");
	id = json_string_value(json_object_get(json_array_get(json_object_get(doc, "data"), 0), "id"));
	if (!id)
		return fail(e, E_NOT_FOUND, "there is no certificate with that serial number");
	*ret = arena_strdup(c->arena, id);
	return 0;
}

static int
run_show(struct cli *c, struct error *e)
{
	CLEANUP(client_free) struct client *cl = NULL;
	JSON_CLEANUP json_t *doc = NULL;
	const char *id;

	if (client_new(c, &cl, e) < 0 || client_use_token(cl, e) < 0 || find_id(c, cl, c->args.words[0], &id, e) < 0)
		return -1;
	if (client_call(cl, "GET", arena_printf(c->arena, "/certificates/%s", client_encode(cl, id)), NULL, &doc, e) < 0)
		return -1;
	if (write_files(c, doc, e) < 0)
		return -1;
	show_issued(c, doc);
	return 0;
}

static int
run_revoke(struct cli *c, struct error *e)
{
	CLEANUP(client_free) struct client *cl = NULL;
	JSON_CLEANUP json_t *body = NULL, *doc = NULL;
	const char *reason = args_get(&c->args, "reason"), *id;

	/* a reason is asked for: it can't be corrected afterwards, and keyCompromise blocks the key for ever */
	if (!reason)
		return cli_usage(e, "--reason is wanted");
	if (client_new(c, &cl, e) < 0 || client_use_token(cl, e) < 0 || find_id(c, cl, c->args.words[0], &id, e) < 0)
		return -1;
	body = json_pack("{s:{s:s,s:{s:s}}}", "data", "type", "revocation", "attributes", "reason", reason);
	if (!body)
		return fail(e, E_BAD_VALUE, "the reason isn't UTF-8");
	if (client_call(cl, "POST", arena_printf(c->arena, "/certificates/%s/revoke", client_encode(cl, id)), body, &doc, e) < 0 ||
	    client_done(doc, e) < 0)
		return -1;
	if (c->json)
		cli_print_json(doc);
	else
		printf("certificate %s: %s at %s, %s\n", id, resource_text(json_object_get(doc, "data"), "status"),
		       resource_text(json_object_get(doc, "data"), "revoked_at"),
		       resource_text(json_object_get(doc, "data"), "revocation_reason"));
	return 0;
}

#define OUT_OPTIONS                                                                                                          \
	{"out", ARG_VALUE, "FILE", "write the certificate (PEM) there; - for standard output"},                              \
	    {"chain-out", ARG_VALUE, "FILE", "write the chain (PEM) there"}

static const struct arg_spec issue_options[] = {
	{"type", ARG_VALUE, "TYPE", "server, client or device"},
	{"cn", ARG_VALUE, "NAME", "common name"},
	{"o", ARG_VALUE, "NAME", "organization"},
	{"ou", ARG_VALUE, "NAME", "organizational unit"},
	{"c", ARG_VALUE, "CC", "country, two letters"},
	{"st", ARG_VALUE, "NAME", "state or province"},
	{"l", ARG_VALUE, "NAME", "locality"},
	{"serial-number", ARG_VALUE, "TEXT", "serialNumber of the subject, such as that of a device"},
	{"dns", ARG_MANY, "NAME", "DNS name"},
	{"ip", ARG_MANY, "ADDRESS", "IP address"},
	{"email", ARG_MANY, "ADDRESS", "mail address"},
	{"uri", ARG_MANY, "URI", "URI"},
	{"upn", ARG_MANY, "NAME", "user principal name"},
	{"hardware", ARG_MANY, "OID:HEX", "hardware module: its type and its serial number"},
	{"rid", ARG_MANY, "OID", "registered id"},
	{"permanent-identifier", ARG_MANY, "TEXT[/OID]", "permanent identifier, such as the number of a device, and who assigned it"},
	{"days", ARG_VALUE, "N", "validity (else the profile's)"},
	{"csr", ARG_VALUE, "FILE", "certificate signing request (PEM); - for standard input"},
	{"key-out", ARG_VALUE, "FILE", "without --csr: file for the private key that the engine makes, mode 0600"},
	{"pkcs12-out", ARG_VALUE, "FILE", "in place of --key-out: file for key and certificates as PKCS#12, mode 0600"},
	{"password-file", ARG_VALUE, "FILE", "file whose first line is the password of the PKCS#12; - for standard input"},
	{"key-type", ARG_VALUE, "TYPE", "type of that key, such as p256 or rsa3072 (else the profile's)"},
	OUT_OPTIONS,
	{"profile", ARG_VALUE, "NAME", "profile (else that of the type)"},
	{"ca", ARG_VALUE, "NAME", "issuing CA (else the default)"},
	{"idempotency-key", ARG_VALUE, "KEY", "a repetition with the same key and request gets the same certificate"},
	{NULL, ARG_FLAG, NULL, NULL},
};
static const struct arg_spec list_options[] = {LIST_OPTIONS, {NULL, ARG_FLAG, NULL, NULL}};
static const struct arg_spec show_options[] = {OUT_OPTIONS, {NULL, ARG_FLAG, NULL, NULL}};
static const struct arg_spec revoke_options[] = {
	{"reason", ARG_VALUE, "NAME", "unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation, …"},
	{NULL, ARG_FLAG, NULL, NULL},
};

const struct command commands_cert[] = {
	{"cert", "issue", "", 0, 0, "issue a certificate", issue_options, run_issue},
	{"cert", "list", "", 0, 0, "list certificates", list_options, run_list},
	{"cert", "show", "ID|SERIAL", 1, 1, "show a certificate", show_options, run_show},
	{"cert", "revoke", "ID|SERIAL", 1, 1, "revoke a certificate", revoke_options, run_revoke},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL},
};
