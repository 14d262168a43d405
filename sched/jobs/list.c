#include "config.h"
#include "sched/jobs.h"

const struct job *const job_list[] = {&job_crl, &job_signer, &job_ra, &job_anchor, &job_seal, &job_sweep, &job_fold, &job_acme, NULL};
