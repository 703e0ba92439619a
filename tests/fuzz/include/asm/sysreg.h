/* SPDX-License-Identifier: BSD-2-Clause */
/* The counter, at 1 GHz. Each look at it takes 10 ms, so that waiting for a UART is short. */
#ifndef ASM_SYSREG_H
#define ASM_SYSREG_H

#include <lib/types.h>

u64 fuzz_counter(void);

#define fuzz_cntfrq_el0() ((u64)1000000000)
#define fuzz_cntvct_el0() fuzz_counter()
#define fuzz_esr_el1()    ((u64)0)
#define read_sysreg(r)    fuzz_##r()

#endif
