/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions at EL1. The kernel runs on SP_EL0 and exceptions come in on SP_EL1, so a stack that overflowed is never the one the
 * registers are saved on. An exception that comes while handling one arrives at the SP_EL1 vectors and goes on down the same stack, until
 * that one is full; what lies below it is a guard page.
 */
#include <asm/macros.inc>
#include <asm/boot.h>
#include <asm/ptrace.h>

	/*
	 * Save everything and call handle_exception(regs, vector). TPIDR_EL0 and TPIDRRO_EL0 are free, there is no EL0: they keep x0 and
	 * x1 while the stack is judged.
	 */
	.macro	vector, number
	.balign	128
	msr	tpidr_el0, x0
	mov	x0, sp
	sub	x0, x0, #REGS_SIZE
	tbz	x0, #13, exception_stack_full	/* the stack is 8 KiB at an odd multiple of 8 KiB */
	sub	sp, sp, #REGS_SIZE
	mrs	x0, tpidr_el0
	stp	x0, x1, [sp]
	mov	x1, #\number
	b	save_and_handle
	.endm

	/* Store (stp) or load (ldp) x2..x29 in struct pt_regs at sp. */
	.macro	x2_to_x29, insn
	x2_to_x17 \insn
	\insn	x18, x19, [sp, #16 * 9]
	\insn	x20, x21, [sp, #16 * 10]
	\insn	x22, x23, [sp, #16 * 11]
	\insn	x24, x25, [sp, #16 * 12]
	\insn	x26, x27, [sp, #16 * 13]
	\insn	x28, x29, [sp, #16 * 14]
	.endm

	.section ".text.vectors", "ax"
	.balign	2048
	.globl	vectors
vectors:
	vector	0
	vector	1
	vector	2
	vector	3
	vector	4
	vector	5
	vector	6
	vector	7
	vector	8
	vector	9
	vector	10
	vector	11
	vector	12
	vector	13
	vector	14
	vector	15

LOCAL_FUNC save_and_handle
	x2_to_x29 stp
	mrs	x2, sp_el0
	cmp	x1, #4
	b.lo	1f
	add	x2, sp, #REGS_SIZE		/* interrupted on this stack */
1:	stp	x30, x2, [sp, #REGS_X30]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x2, x3, [sp, #REGS_PC]
	mrs	x4, esr_el1
	mrs	x5, far_el1
	stp	x4, x5, [sp, #REGS_ESR]
	str	x1, [sp, #REGS_VECTOR]
	mov	x0, sp
	bl	handle_exception

	/* Fix-ups return, to a pc they changed, and what is done with here. */
	ldp	x2, x3, [sp, #REGS_PC]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	x2_to_x29 ldp
	ldr	x30, [sp, #REGS_X30]
	ldp	x0, x1, [sp], #REGS_SIZE
	eret
ENDFUNC save_and_handle

LOCAL_FUNC exception_stack_full
	mov_q	x0, DEAD_END
	cmp	x0, x5
	b.eq	stop_cpu
	mrs	x1, esr_el1
	mrs	x2, elr_el1
	mrs	x3, far_el1
	mrs	x4, tpidrro_el0			/* it was said, or that was tried */
	msr	tpidrro_el0, x0
	mov	x0, #BOOT_STACK
	cbnz	x4, boot_dead_end
	adr	x4, exception_stack_end
	mov	sp, x4
	b	exception_stack_overflow
ENDFUNC exception_stack_full
