/* Key stores: which there are, whether they work, and a new sealing key for one. They are set up in siegel.conf. */
#include <string.h>

#include "ca/batch.h"
#include "ca/manage.h"
#include "hsm/hsm.h"

static json_t *
store_json(const struct hsm_store *s)
{
	json_t *types = json_array(), *j;
	const char *at = s->key_types;
	while (*at) {
		size_t len = strcspn(at, " ");
		json_array_append_new(types, json_stringn(at, len));
		at += len + (at[len] == ' ');
	}
	bool token = s->kind == HSM_TOKEN;
	j = json_pack("{s:s,s:s,s:b,s:b,s:b,s:s,s:o}", "name", s->name, "kind", token ? "token" : "files", "is_default", s->is_default, "present",
		      s->present, "usable", s->usable, "why", s->why, "key_types", types);
	if (token)
		json_object_update_new(j, json_pack("{s:s,s:s,s:s,s:s,s:I,s:I}", "label", s->label, "serial", s->serial, "manufacturer",
						    s->manufacturer, "model", s->model, "sessions", (json_int_t)s->sessions, "sessions_max",
						    (json_int_t)s->sessions_max));
	return j;
}

/* {"stores": […]}, in the order of the configuration. What is out of order is looked after before it is told of. */
static int
list(struct manage *m, struct error *e)
{
	struct hsm_store stores[HSM_STORES_MAX];
	json_t *all = json_array();
	if (manage_body_end(m, e) < 0) {
		json_decref(all);
		return -1;
	}
	while (hsm_tend(m->desk->hsm, &stores[0]))
		;
	size_t n = hsm_stores(m->desk->hsm, stores, ARRAY_LEN(stores));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, store_json(&stores[i]));
	m->ret_result = json_pack("{s:o}", "stores", all);
	return 0;
}

static int
rotate(struct manage *m, struct error *e)
{
	const char *name;
	if (manage_text(m, "name", MANAGE_REQUIRED, HSM_NAME_BYTES, &name, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (hsm_seal_rotate(m->desk->hsm, name, e) < 0)
		return e->code == E_BAD_VALUE ? fail(e, E_NOT_FOUND, "there is no such key store") : -1;
	m->object = arena_printf(m->arena, "key_store/%s", name);
	return 0;
}

extern const struct manage_op manage_key_store[];
const struct manage_op manage_key_store[] = {
    {"key_store.list", "", RIGHT_READ, MANAGE_DIRECT | MANAGE_KEYS, list},
    {"key_store.rotate", "key_store.rotated", RIGHT_KEY_STORES, MANAGE_HOUSE | MANAGE_KEYS, rotate},
    {0},
};
