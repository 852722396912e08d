/* Which instruction set this CPU, under this operating system, can run. */
#ifndef BP_CPU_LEVEL_H
#define BP_CPU_LEVEL_H

/* "v4", "v3" or "base" on x86-64, "neon" on arm64, "base" elsewhere. */
const char *bp_cpu_level(void);

/* Whether code for `level` can run here. */
int bp_cpu_runs(const char *level);

#endif
