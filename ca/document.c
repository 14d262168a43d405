#include "ca/document.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define DAY_SEC 86400

DEFINE_CLEANUP(json_t, json_decref)

static void
put(json_t *object, const char *name, json_t *value)
{
	json_object_set_new_nocheck(object, name, value);
}

static void
put_text(json_t *object, const char *name, const char *value)
{
	if (value && *value)
		put(object, name, json_string_nocheck(value));
}

static json_t *
subject_of(const struct order *o)
{
	json_t *subject = json_object();
	for (size_t i = 0; i < o->tbs_input.n_subject; i++) {
		json_t *list = json_object_get(subject, o->subject[i].type->name);
		if (!list) {
			list = json_array();
			put(subject, o->subject[i].type->name, list);
		}
		json_array_append_new(list, json_string(o->subject[i].value));
	}
	return subject;
}

static json_t *
names_of(const struct order *o)
{
	json_t *list = json_array();
	for (const char *p = o->names_text; *p;) {
		size_t len = strcspn(p, "\n");
		json_array_append_new(list, json_stringn(p, len));
		p += len + (p[len] == '\n');
	}
	return list;
}

static json_t *
key_of(const struct order *o)
{
	static const char *const families[] = {
	    [KEY_EC] = "ec", [KEY_RSA] = "rsa", [KEY_RSA_PSS] = "rsapss", [KEY_ED] = "ed", [KEY_MLDSA] = "mldsa", [KEY_SLHDSA] = "slhdsa",
	    [KEY_MLKEM] = "mlkem"};
	const struct keytype *type = o->tbs_input.ext.key;
	json_t *key = json_object();
	put_text(key, "type", type->name);
	put_text(key, "family", families[type->family]);
	if (type->bits)
		put(key, "bits", json_integer(type->bits));
	put(key, "made_here", json_boolean(o->private_key != NULL));
	return key;
}

const char *
document_of(struct order *o)
{
	const Siegel__Issue *q = o->request;
	json_t *d CLEANUP(json_decref) = json_object();
	put_text(d, "operation", q->replaces_id ? "certificate.renew" : "certificate.issue");
	put_text(d, "source", q->requestor->source);
	put_text(d, "requestor", q->requestor->name);
	put_text(d, "role", q->requestor->role);
	put_text(d, "evidence", q->requestor->evidence);
	put_text(d, "ca", o->ca->name);
	put_text(d, "profile", o->profile->name);
	put_text(d, "kind", o->profile->kind);
	put(d, "subject", subject_of(o));
	put(d, "names", names_of(o));
	put(d, "key", key_of(o));
	if (q->replaces_id) {
		put(d, "replaces", json_integer(q->replaces_id));
		put(d, "same_key", json_boolean(q->same_key));
	}
	if (q->days)
		put(d, "days", json_integer(q->days));
	put(d, "default_days", json_integer((o->tbs_input.not_after - o->tbs_input.not_before + 1) / DAY_SEC));
	put_text(d, "owner", o->owner);
	if (o->metadata)
		put(d, "metadata", json_loads(o->metadata, 0, NULL));
	char *text = json_dumps(d, JSON_COMPACT);
	const char *copy = arena_strdup(o->arena, text ? text : "{}");
	free(text);
	return copy;
}

static void
set_text(char **field, const char *value)
{
	if (*field != (const char *)protobuf_c_empty_string)
		free(*field);
	*field = xstrdup(value);
}

static bool
has_type(const struct order *o, const char *type)
{
	for (size_t i = 0; i < o->tbs_input.n_subject; i++)
		if (strcmp(o->subject[i].type->name, type) == 0)
			return true;
	return false;
}

static void
add_attribute(Siegel__Issue *q, const char *type, const char *value)
{
	Siegel__Attribute *a = xcalloc(1, sizeof(*a));
	siegel__attribute__init(a);
	a->type = xstrdup(type);
	a->value = xstrdup(value);
	q->subject = xrealloc(q->subject, (q->n_subject + 1) * sizeof(*q->subject));
	q->subject[q->n_subject++] = a;
}

/* Attributes that the subject doesn't have, behind those that it has; these may have come from the CSR until now. */
static int
take_subject(const json_t *subject, const struct order *o, Siegel__Issue *q, struct error *e)
{
	const char *type;
	json_t *values, *value;
	size_t i;
	bool said = q->n_subject > 0;
	json_object_foreach((json_t *)(uintptr_t)subject, type, values)
	{
		if (has_type(o, type))
			continue;
		for (size_t k = 0; !said && k < o->tbs_input.n_subject; k++)
			add_attribute(q, o->subject[k].type->name, o->subject[k].value);
		said = true;
		json_array_foreach(values, i, value)
		{
			if (!json_is_string(value))
				return fail_at(e, E_BAD_VALUE, "subject", "subject: a policy sets a value of %s that is no text", type);
			add_attribute(q, type, json_string_value(value));
		}
	}
	return 0;
}

int
document_take(const char *document, const struct order *o, Siegel__Issue *request, struct error *e)
{
	json_t *d CLEANUP(json_decref) = json_loads(document, 0, NULL);
	const json_t *days = json_object_get(d, "days"), *owner = json_object_get(d, "owner"), *metadata = json_object_get(d, "metadata"),
		     *subject = json_object_get(d, "subject");
	if (json_is_integer(days))
		request->days = (int32_t)json_integer_value(days);
	if (json_is_string(owner))
		set_text(&request->owner, json_string_value(owner));
	if (json_is_object(metadata)) {
		char *text = json_dumps(metadata, JSON_COMPACT);
		set_text(&request->metadata, text ? text : "");
		free(text);
	}
	return json_is_object(subject) ? take_subject(subject, o, request, e) : 0;
}
