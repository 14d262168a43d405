#include "hsm/token.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hsm/board.h"
#include "hsm/module.h"
#include "hsm/source.h"
#include "lib/limits.h"

#define SLOTS_MAX 64
#define MECHANISMS_MAX 64
#define PAUSE_FIRST_US 250000
#define PAUSE_LONGEST_US 8000000

struct mechanism {
	CK_MECHANISM_TYPE type;
	CK_RV rv;
	CK_MECHANISM_INFO info;
};

struct token {
	unsigned index;
	char name[40];
	P11KitUri *uri;
	char *module_path, *pin_source;
	struct module *module;
	CK_FUNCTION_LIST *f;
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
	bool known; /* info says something */
	bool open, worked;
	CK_SESSION_HANDLE session;
	unsigned module_epoch, epoch, failures;
	int64_t retry_at_us;
	struct error why; /* it is closed */
	struct mechanism mechanisms[MECHANISMS_MAX]; /* asked for once */
	size_t n_mechanisms;
	struct object_index objects;
};

static int64_t
clock_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Fixed fields of PKCS#11 are padded with blanks. */
static void
unpad(const unsigned char *field, size_t len, char *ret, size_t size)
{
	while (len > 0 && (field[len - 1] == ' ' || field[len - 1] == '\0'))
		len--;
	snprintf(ret, size, "%.*s", (int)len, (const char *)field);
}

static void
name_of(struct token *t)
{
	const CK_TOKEN_INFO *i = p11_kit_uri_get_token_info(t->uri);
	unpad(i->label, sizeof(i->label), t->name, sizeof(t->name));
	if (!*t->name)
		unpad(i->serialNumber, sizeof(i->serialNumber), t->name, sizeof(t->name));
}

int
token_new(const char *text, unsigned index, struct token **ret, struct error *e)
{
	struct token *t CLEANUP(token_free) = xcalloc(1, sizeof(*t));
	t->index = index;
	t->uri = p11_kit_uri_new();
	int rc = p11_kit_uri_parse(text, P11_KIT_URI_FOR_TOKEN | P11_KIT_URI_FOR_MODULE, t->uri);
	if (rc != P11_KIT_URI_OK)
		return fail(e, E_BAD_VALUE, "a token isn't named by a PKCS#11 URI (RFC 7512): %s", p11_kit_uri_message(rc));
	if (p11_kit_uri_any_unrecognized(t->uri))
		return fail(e, E_BAD_VALUE, "the URI of a token has attributes that RFC 7512 doesn't know for tokens");
	const char *module = p11_kit_uri_get_module_path(t->uri), *pin = p11_kit_uri_get_pin_source(t->uri);
	name_of(t);
	if (!*t->name)
		return fail(e, E_BAD_VALUE, "the URI of a token has neither token nor serial");
	if (p11_kit_uri_get_pin_value(t->uri))
		return fail(e, E_BAD_VALUE, "the URI of the token \"%s\" holds its PIN: a file is wanted, as pin-source=file:/path", t->name);
	if (!module || module[0] != '/')
		return fail(e, E_BAD_VALUE, "the URI of the token \"%s\" needs module-path with an absolute path", t->name);
	if (!pin || source_check(pin, e) < 0)
		return fail(e, E_BAD_VALUE, "the URI of the token \"%s\" needs pin-source=file:/path or pin-source=credential:name", t->name);
	t->module_path = xstrdup(module);
	t->pin_source = xstrdup(pin);
	*ret = TAKE(t);
	return 0;
}

int
token_new_plain(const char *module, const char *label, const char *pin_file, unsigned index, struct token **ret, struct error *e)
{
	struct token *t CLEANUP(token_free) = xcalloc(1, sizeof(*t));
	t->index = index;
	t->uri = p11_kit_uri_new();
	CK_TOKEN_INFO *i = p11_kit_uri_get_token_info(t->uri);
	if (!*label || strlen(label) > sizeof(i->label))
		return fail(e, E_BAD_VALUE, "[ca] token_label: one to 32 bytes are wanted");
	memset(i->label, ' ', sizeof(i->label));
	memcpy(i->label, label, strlen(label));
	name_of(t);
	t->module_path = xstrdup(module);
	t->pin_source = xstrdup(pin_file);
	*ret = TAKE(t);
	return 0;
}

static void
forget_session(struct token *t)
{
	if (t->open)
		module_session(t->module, -1);
	t->open = false;
}

void
token_free(struct token *t)
{
	if (!t)
		return;
	int64_t wait;
	if (t->open && board_enter(t->index, TOKEN_CALL_MS, &wait)) {
		t->f->C_CloseSession(t->session);
		board_leave(false);
	}
	forget_session(t);
	module_release(t->module);
	index_clear(&t->objects);
	if (t->uri)
		p11_kit_uri_free(t->uri);
	free(t->module_path);
	free(t->pin_source);
	free(t);
}

const char *
token_name(const struct token *t)
{
	return t->name;
}

const CK_TOKEN_INFO *
token_info(const struct token *t)
{
	return t->known ? &t->info : NULL;
}

/* A field that is all zero isn't said. */
static bool
agree(const unsigned char *a, const unsigned char *b, size_t len)
{
	return a[0] == '\0' || b[0] == '\0' || memcmp(a, b, len) == 0;
}

bool
token_is(const struct token *t, P11KitUri *uri)
{
	const CK_TOKEN_INFO *a = t->known ? &t->info : p11_kit_uri_get_token_info(t->uri), *b = p11_kit_uri_get_token_info(uri);
	return agree(a->label, b->label, sizeof(a->label)) && agree(a->serialNumber, b->serialNumber, sizeof(a->serialNumber)) &&
	    agree(a->manufacturerID, b->manufacturerID, sizeof(a->manufacturerID)) && agree(a->model, b->model, sizeof(a->model));
}

/* --- opening --- */

static int
find_slot(struct token *t, struct error *e)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	size_t found = 0;
	CK_RV rv = t->f->C_GetSlotList(CK_TRUE, slots, &n);
	if (rv != CKR_OK)
		return fail(e, E_KEY_STORE, "the module of the token \"%s\" names no slots (%s)", t->name, module_error(rv));
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO info;
		CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(t->uri);
		if (t->f->C_GetTokenInfo(slots[i], &info) != CKR_OK || !p11_kit_uri_match_token_info(t->uri, &info) ||
		    (wanted != (CK_SLOT_ID)-1 && wanted != slots[i]))
			continue;
		t->slot = slots[i];
		t->info = info;
		found++;
	}
	t->known = found == 1;
	if (found == 0)
		return fail(e, E_KEY_STORE, "the token \"%s\" isn't there", t->name);
	if (found > 1)
		return fail(e, E_KEY_STORE, "there are several tokens \"%s\": a URI with serial is wanted", t->name);
	return 0;
}

/* Once with each PIN, over all processes (board.h): a real token locks after three that are wrong. One that says that the next wrong one
 * locks it is left to people. */
static int
log_in(struct token *t, CK_SESSION_HANDLE session, struct error *e)
{
	CK_SESSION_INFO state;
	struct secret *pin CLEANUP(secret_free) = NULL;
	CK_RV rv;
	if (!(t->info.flags & CKF_LOGIN_REQUIRED) ||
	    (t->f->C_GetSessionInfo(session, &state) == CKR_OK &&
	     (state.state == CKS_RO_USER_FUNCTIONS || state.state == CKS_RW_USER_FUNCTIONS)))
		return 0;
	if (t->info.flags & CKF_USER_PIN_LOCKED)
		return fail(e, E_KEY_STORE, "the PIN of the token \"%s\" is locked", t->name);
	if (source_read(t->pin_source, LIMIT_SECRET_FILE_BYTES, &pin, e) < 0)
		return -1;
	if (!board_lock_login(t->index))
		return fail(e, E_KEY_STORE, "another process logs in to the token \"%s\"", t->name);
	if (board_was_refused(t->index, pin->data, pin->len)) {
		board_unlock_login(t->index);
		return fail(e, E_KEY_STORE, "the token \"%s\" refused the PIN; it isn't tried again until its file holds another", t->name);
	}
	if (t->info.flags & CKF_USER_PIN_FINAL_TRY) {
		board_unlock_login(t->index);
		return fail(e, E_KEY_STORE, "one more wrong PIN locks the token \"%s\": it isn't tried before somebody logged in to it by hand",
			    t->name);
	}
	rv = t->f->C_Login(session, CKU_USER, pin->data, pin->len);
	bool refused = rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_EXPIRED ||
	    rv == CKR_PIN_LOCKED;
	if (refused)
		board_note_refused(t->index, pin->data, pin->len);
	board_unlock_login(t->index);
	if (refused)
		return fail(e, E_KEY_STORE, "the token \"%s\" refused the PIN (%s); it isn't tried again until its file holds another", t->name,
			    module_error(rv));
	if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
		return fail(e, E_KEY_STORE, "the token \"%s\" lets nobody log in (%s)", t->name, module_error(rv));
	return 0;
}

static int
open_session(struct token *t, struct error *e)
{
	CK_SESSION_HANDLE session;
	CK_RV rv = t->f->C_OpenSession(t->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
	if (rv == CKR_TOKEN_WRITE_PROTECTED) /* it can sign all the same */
		rv = t->f->C_OpenSession(t->slot, CKF_SERIAL_SESSION, NULL, NULL, &session);
	if (rv != CKR_OK)
		return fail(e, E_KEY_STORE, "the token \"%s\" opens no session (%s)", t->name, module_error(rv));
	if (log_in(t, session, e) < 0) {
		t->f->C_CloseSession(session);
		return -1;
	}
	module_session(t->module, 1);
	t->session = session;
	t->open = true;
	t->epoch++;
	t->failures = 0;
	t->n_mechanisms = 0;
	return 0;
}

static int
open_token(struct token *t, struct error *e)
{
	if (!t->module && module_hold(t->module_path, &t->module, e) < 0)
		return -1;
	if (module_functions(t->module, &t->f, &t->module_epoch, e) < 0)
		return -1;
	if (find_slot(t, e) == 0)
		return open_session(t, e);
	module_renew(t->module);
	return -1;
}

/* Closed from now on, to be tried again after a pause that doubles. */
static void
put_off(struct token *t, const struct error *why)
{
	int64_t pause = PAUSE_FIRST_US;
	for (unsigned i = 0; i < t->failures && pause < PAUSE_LONGEST_US; i++)
		pause *= 2;
	t->failures++;
	t->retry_at_us = clock_us() + pause;
	t->why = *why;
	t->why.code = E_KEY_STORE;
	t->why.retry_after_sec = (unsigned)(pause / 1000000) + 1;
}

static int
stalled(const struct token *t, int64_t wait_ms, struct error *e)
{
	(void)fail(e, E_KEY_STORE, "the token \"%s\" doesn't answer", t->name);
	e->retry_after_sec = (unsigned)(wait_ms / 1000) + 1;
	return -1;
}

int
token_begin(struct token *t, int limit_ms, struct error *e)
{
	int64_t wait;
	unsigned epoch;
	CK_FUNCTION_LIST *f;
	if (!t->open && clock_us() < t->retry_at_us) {
		*e = t->why;
		return -1;
	}
	if (!t->open && limit_ms < BOARD_OPEN_FACTOR * TOKEN_CALL_MS)
		limit_ms = BOARD_OPEN_FACTOR * TOKEN_CALL_MS;
	if (!board_enter(t->index, limit_ms, &wait))
		return stalled(t, wait, e);
	t->worked = false;
	/* After fork(), or when another token's trouble made the module begin anew, no session is left. */
	if (t->open && (module_functions(t->module, &f, &epoch, e) < 0 || epoch != t->module_epoch))
		t->open = false;
	if (t->open)
		return 0;
	if (open_token(t, e) < 0) {
		board_leave(false);
		put_off(t, e);
		*e = t->why;
		return -1;
	}
	return 0;
}

CK_FUNCTION_LIST *
token_functions(const struct token *t)
{
	return t->f;
}

CK_SESSION_HANDLE
token_session(const struct token *t)
{
	return t->session;
}

CK_SLOT_ID
token_slot(const struct token *t)
{
	return t->slot;
}

unsigned
token_epoch(const struct token *t)
{
	return t->epoch;
}

/* What is the request's own fault; anything else means that session, login or device can't be relied on. */
static bool
harmless(CK_RV rv)
{
	switch (rv) {
	case CKR_ARGUMENTS_BAD:
	case CKR_ATTRIBUTE_READ_ONLY:
	case CKR_ATTRIBUTE_SENSITIVE:
	case CKR_ATTRIBUTE_TYPE_INVALID:
	case CKR_ATTRIBUTE_VALUE_INVALID:
	case CKR_BUFFER_TOO_SMALL:
	case CKR_CURVE_NOT_SUPPORTED:
	case CKR_DATA_INVALID:
	case CKR_DATA_LEN_RANGE:
	case CKR_DOMAIN_PARAMS_INVALID:
	case CKR_ENCRYPTED_DATA_INVALID:
	case CKR_ENCRYPTED_DATA_LEN_RANGE:
	case CKR_FUNCTION_NOT_SUPPORTED:
	case CKR_KEY_FUNCTION_NOT_PERMITTED:
	case CKR_KEY_SIZE_RANGE:
	case CKR_KEY_TYPE_INCONSISTENT:
	case CKR_MECHANISM_INVALID:
	case CKR_MECHANISM_PARAM_INVALID:
	case CKR_SESSION_READ_ONLY:
	case CKR_TEMPLATE_INCOMPLETE:
	case CKR_TEMPLATE_INCONSISTENT:
	case CKR_TOKEN_WRITE_PROTECTED:
		return true;
	default:
		return false;
	}
}

struct object_index *
token_objects(struct token *t)
{
	return &t->objects;
}

void
token_worked(struct token *t)
{
	t->worked = true;
}

int
token_end(struct token *t, CK_RV rv, const char *what, struct error *e)
{
	if (rv == CKR_OK) {
		board_leave(t->worked);
		return 0;
	}
	(void)fail(e, E_KEY_STORE, "the token \"%s\" failed to %s (%s)", t->name, what, module_error(rv));
	if (!harmless(rv)) {
		t->f->C_CloseSession(t->session);
		forget_session(t);
		put_off(t, e);
		*e = t->why;
	}
	board_leave(t->worked);
	return -1;
}

int
token_ready(struct token *t, struct error *e)
{
	int64_t wait = board_stalled_ms(t->index);
	if (wait > 0)
		return stalled(t, wait, e);
	if (t->open)
		return 0;
	return token_begin(t, TOKEN_CALL_MS, e) < 0 ? -1 : token_end(t, CKR_OK, "open", e);
}

bool
token_is_open(const struct token *t)
{
	return t->open && board_stalled_ms(t->index) == 0;
}

void
token_distrust(struct token *t, const char *detail)
{
	struct error e;
	int64_t wait;
	if (!t->open)
		return;
	if (board_enter(t->index, TOKEN_CALL_MS, &wait)) {
		t->f->C_CloseSession(t->session);
		board_leave(false);
	}
	forget_session(t);
	(void)fail(&e, E_KEY_STORE, "the token \"%s\" %s", t->name, detail);
	put_off(t, &e);
}

bool
token_can(struct token *t, CK_MECHANISM_TYPE type, CK_ULONG bits, CK_FLAGS flags)
{
	struct error e;
	struct mechanism *m = NULL;
	for (size_t i = 0; i < t->n_mechanisms && !m; i++)
		if (t->mechanisms[i].type == type)
			m = &t->mechanisms[i];
	if (!m) {
		if (t->n_mechanisms == MECHANISMS_MAX || token_begin(t, TOKEN_CALL_MS, &e) < 0)
			return false;
		m = &t->mechanisms[t->n_mechanisms];
		m->type = type;
		m->rv = t->f->C_GetMechanismInfo(t->slot, type, &m->info);
		if (token_end(t, m->rv, "name its mechanisms", &e) < 0 && m->rv != CKR_MECHANISM_INVALID)
			return false;
		t->n_mechanisms++;
	}
	return m->rv == CKR_OK && (m->info.flags & flags) == flags &&
	    (bits == 0 || (bits >= m->info.ulMinKeySize && bits <= m->info.ulMaxKeySize));
}
