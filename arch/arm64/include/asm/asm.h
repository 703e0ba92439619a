/* SPDX-License-Identifier: BSD-2-Clause */
/* Macros for assembly files. Each takes registers by name; all registers distinct unless said. */
#ifndef ASM_ASM_H
#define ASM_ASM_H

#include <lib/bits.h>

/* A routine: FUNC is visible to other files, LOCAL_FUNC is not. Both kinds show in backtraces. */
	.macro	FUNC, name
	.globl	\name
	LOCAL_FUNC \name
	.endm

	.macro	LOCAL_FUNC, name
	.balign	4
	.type	\name, %function
\name:
	.endm

	.macro	ENDFUNC, name
	.size	\name, . - \name
	.endm

/* reg := address of sym, relative to the PC (reach 4 GiB), so physical with the MMU off and virtual with it on. */
	.macro	adr_l, reg, sym
	adrp	\reg, \sym
	add	\reg, \reg, :lo12:\sym
	.endm

/* reg := 64-bit constant. */
	.macro	mov_q, reg, val
	movz	\reg, #((\val) & 0xffff)
	.if	((\val) >> 16) & 0xffff
	movk	\reg, #(((\val) >> 16) & 0xffff), lsl #16
	.endif
	.if	((\val) >> 32) & 0xffff
	movk	\reg, #(((\val) >> 32) & 0xffff), lsl #32
	.endif
	.if	((\val) >> 48) & 0xffff
	movk	\reg, #(((\val) >> 48) & 0xffff), lsl #48
	.endif
	.endm

/* bits := physical address bits this CPU has, 48 at most, from ID_AA64MMFR0_EL1 in mmfr0. Corrupts tmp. mmfr0 is preserved. */
	.macro	pa_bits, mmfr0, bits, tmp
	and	\bits, \mmfr0, #0xf
	cmp	\bits, #5
	b.ls	.Lpa_known\@
	mov	\bits, #5
.Lpa_known\@:
	/* 32, 36, 40, 42, 44, 48 for 0..5: a byte each. */
	lsl	\bits, \bits, #3
	mov_q	\tmp, 0x302c2a282420
	lsr	\bits, \tmp, \bits
	and	\bits, \bits, #0xff
	.endm

/* An entry of the exception table: a fault at insn goes on at fixup (asm/extable.h). */
	.macro	EXTABLE, insn, fixup
	.pushsection __ex_table, "a"
	.balign	4
	.long	\insn - ., \fixup - .
	.popsection
	.endm

#endif
