/* The log of a process: one line an event, key="value", escaped, to standard error (syslog priority prefix when run under
 * systemd). Libraries never log: the process does, once, at its edge. */
#ifndef SIEGEL_LIB_LOG_H
#define SIEGEL_LIB_LOG_H
#include "lib/error.h"

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_NOTICE = 5, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* ident is the process's word ("ca"); lines below level are dropped. */
void log_open(const char *ident, enum log_level level);
/* log_event(level, "certificate issued", "serial", hex, "profile", name, NULL): pairs of key and value, ended by NULL. A NULL
 * value prints as "-". Values may come from anybody: control characters, quotes and bytes that aren't UTF-8 are escaped, and
 * each is cut at LIMIT_LOG_VALUE bytes. */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));
/* The same for an error: adds code, pointer and detail. */
void log_error(enum log_level level, const char *event, const struct error *e);
/* "error" … "debug" to the level, or -1. */
int log_level_parse(const char *name);

#endif
