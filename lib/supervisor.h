/* What systemd and a service agree on by the environment (sd_notify(3), sd_listen_fds(3)). Under any other supervisor nothing of it is there, and all
 * of this does nothing. libsystemd would bring six libraries along, into each process. */
#ifndef SIEGEL_LIB_SUPERVISOR_H
#define SIEGEL_LIB_SUPERVISOR_H

/* Says how the service is, such as "READY=1", to who wants to know it. That nobody hears it is no fault. */
void supervisor_tell(const char *state);

/* The descriptor that was passed to this process under that name (FileDescriptorName= of the socket), the last of several; -1: there is none. */
int supervisor_socket(const char *name);

#endif
