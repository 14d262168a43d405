#include "hsm/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


struct module {
	struct module *next;
	char *path;
	void *handle;
	CK_FUNCTION_LIST *f;
	pid_t pid; /* of the process that initialised it; 0: nobody */
	unsigned holders, sessions, epoch;
};

static struct module *modules;

static CK_RV
initialise(struct module *m)
{
	CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
	CK_RV rv = m->f->C_Initialize(&args);
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return rv;
	m->pid = getpid();
	m->sessions = 0;
	m->epoch++;
	return CKR_OK;
}

int
module_hold(const char *path, struct module **ret, struct error *e)
{
	struct module *m = modules;
	while (m && strcmp(m->path, path) != 0)
		m = m->next;
	if (!m) {
		CK_C_GetFunctionList get = NULL;
		CK_FUNCTION_LIST *f = NULL;
		void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		if (handle)
			*(void **)&get = dlsym(handle, "C_GetFunctionList");
		if (!get || get(&f) != CKR_OK || !f) {
			if (handle)
				dlclose(handle);
			return fail(e, E_KEY_STORE, "%s is no PKCS#11 module that can be loaded", path);
		}
		m = xcalloc(1, sizeof(*m));
		*m = (struct module){.next = modules, .path = xstrdup(path), .handle = handle, .f = f};
		modules = m;
	}
	m->holders++;
	*ret = m;
	return 0;
}

void
module_release(struct module *m)
{
	if (!m || --m->holders > 0)
		return;
	if (m->pid == getpid())
		m->f->C_Finalize(NULL);
	for (struct module **at = &modules; *at; at = &(*at)->next)
		if (*at == m) {
			*at = m->next;
			break;
		}
	dlclose(m->handle);
	free(m->path);
	free(m);
}

int
module_functions(struct module *m, CK_FUNCTION_LIST **ret, unsigned *ret_epoch, struct error *e)
{
	if (m->pid != getpid()) {
		CK_RV rv = initialise(m);
		if (rv != CKR_OK)
			return fail(e, E_KEY_STORE, "the PKCS#11 module %s doesn't start (%s)", m->path, module_error(rv));
	}
	*ret = m->f;
	*ret_epoch = m->epoch;
	return 0;
}

void
module_renew(struct module *m)
{
	if (m->sessions > 0 || m->pid != getpid())
		return;
	m->f->C_Finalize(NULL);
	m->pid = 0;
}

void
module_session(struct module *m, int change)
{
	if (change > 0)
		m->sessions++;
	else if (m->sessions > 0)
		m->sessions--;
}

#define ROW(name) {name, #name}
const char *
module_error(CK_RV rv)
{
	static const struct {
		CK_RV rv;
		const char *name;
	} rows[] = {
	    ROW(CKR_HOST_MEMORY), ROW(CKR_SLOT_ID_INVALID), ROW(CKR_GENERAL_ERROR), ROW(CKR_FUNCTION_FAILED), ROW(CKR_ARGUMENTS_BAD),
	    ROW(CKR_CANT_LOCK), ROW(CKR_ATTRIBUTE_READ_ONLY), ROW(CKR_ATTRIBUTE_SENSITIVE), ROW(CKR_ATTRIBUTE_TYPE_INVALID),
	    ROW(CKR_ATTRIBUTE_VALUE_INVALID), ROW(CKR_DATA_INVALID), ROW(CKR_DATA_LEN_RANGE), ROW(CKR_DEVICE_ERROR), ROW(CKR_DEVICE_MEMORY),
	    ROW(CKR_DEVICE_REMOVED), ROW(CKR_ENCRYPTED_DATA_INVALID), ROW(CKR_ENCRYPTED_DATA_LEN_RANGE), ROW(CKR_FUNCTION_NOT_SUPPORTED),
	    ROW(CKR_KEY_HANDLE_INVALID), ROW(CKR_KEY_SIZE_RANGE), ROW(CKR_KEY_TYPE_INCONSISTENT), ROW(CKR_KEY_FUNCTION_NOT_PERMITTED),
	    ROW(CKR_MECHANISM_INVALID), ROW(CKR_MECHANISM_PARAM_INVALID), ROW(CKR_OBJECT_HANDLE_INVALID), ROW(CKR_OPERATION_ACTIVE),
	    ROW(CKR_OPERATION_NOT_INITIALIZED), ROW(CKR_PIN_INCORRECT), ROW(CKR_PIN_INVALID), ROW(CKR_PIN_LEN_RANGE), ROW(CKR_PIN_EXPIRED),
	    ROW(CKR_PIN_LOCKED), ROW(CKR_SESSION_CLOSED), ROW(CKR_SESSION_COUNT), ROW(CKR_SESSION_HANDLE_INVALID),
	    ROW(CKR_SESSION_READ_ONLY), ROW(CKR_SIGNATURE_INVALID), ROW(CKR_TEMPLATE_INCOMPLETE), ROW(CKR_TEMPLATE_INCONSISTENT),
	    ROW(CKR_TOKEN_NOT_PRESENT), ROW(CKR_TOKEN_NOT_RECOGNIZED), ROW(CKR_TOKEN_WRITE_PROTECTED), ROW(CKR_USER_NOT_LOGGED_IN),
	    ROW(CKR_USER_PIN_NOT_INITIALIZED), ROW(CKR_USER_TYPE_INVALID), ROW(CKR_BUFFER_TOO_SMALL), ROW(CKR_CRYPTOKI_NOT_INITIALIZED),
	    ROW(CKR_CURVE_NOT_SUPPORTED), ROW(CKR_DOMAIN_PARAMS_INVALID),
	};
	static char number[32];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].rv == rv)
			return rows[i].name;
	snprintf(number, sizeof(number), "0x%lx", (unsigned long)rv);
	return number;
}
