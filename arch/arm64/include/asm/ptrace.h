/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers an exception interrupted, as vectors.S saves them on the exception stack. */
#ifndef ASM_PTRACE_H
#define ASM_PTRACE_H

#define REGS_X30    240
#define REGS_PC     256
#define REGS_ESR    272
#define REGS_VECTOR 288
#define REGS_SIZE   304

#ifndef __ASSEMBLER__
#include <lib/types.h>

struct pt_regs {
	u64 x[31];
	u64 sp;     /* of the interrupted code */
	u64 pc;     /* ELR_EL1 */
	u64 pstate; /* SPSR_EL1 */
	u64 esr, far;
	u64 vector; /* 0..15, in the order of the vector table */
	u64 pad;
};

/* Every exception of EL1 comes here; returns to a fix-up, or where the access may be tried again or
 * its SError is dealt with. */
void handle_exception(struct pt_regs *regs);

/* No room for registers: called once, with the stack empty again, and those of the exception that
 * did not fit. */
void exception_stack_overflow(u64 reason, u64 esr, u64 pc, u64 far) __attribute__((noreturn));

/* The exception that is reported, or NULL. */
extern const struct pt_regs *fatal_regs;

/* The machine's end, on an early console as long as there is no other: boot_dead_end() with ESR,
 * ELR and FAR of an exception, zeros where there was none. */
void dead_end(u64 reason, const struct pt_regs *regs) __attribute__((noreturn));

/* Words for an ESR: class, then for aborts the access and the fault status (Arm ARM D19.2.40).
 * Stored in buf. */
void describe_esr(u64 esr, char *buf, size_t size);

/* Words for a fault status code, as in ESR and PAR. Stored in buf. */
void describe_fault_status(unsigned int fsc, char *buf, size_t size);

/* What lies at a virtual address: the region of the address space, and within the image the
 * section. Stored in buf. */
void describe_address(unsigned long addr, char *buf, size_t size);
#endif

#endif
