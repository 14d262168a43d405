/* Fault points for the crash tests: --enable-fault-points alone compiles them; a normal build has none. FAULT(step) ends the process
 * by SIGKILL when SIEGEL_FAULT_AT names the step, at every SIEGEL_FAULT_ONE_IN-th pass. */
#ifndef SIEGEL_CA_FAULT_H
#define SIEGEL_CA_FAULT_H

#ifdef SIEGEL_FAULT_POINTS
/* Ends the process by SIGKILL, or gives back. */
void fault_point(const char *step);
#define FAULT(step) fault_point(step)
#else
#define FAULT(step) ((void)0)
#endif

#endif
