/* SPDX-License-Identifier: BSD-2-Clause */
/* Data cache maintenance by address (Arm ARM D7.5.9), and memset, whose zeroing is a cache operation too. */
#include <asm/macros.inc>

	.text
/*
 * Write the lines of a range to memory where they are dirty, and drop them, so that memory counts: for what others are to find there,
 * and for what is written or was written with the MMU off, whose lines are never dirty. Under a hypervisor DC IVAC does the same, and
 * where DC CVAC would do, Cortex-A53 wants this (errata 819472 and its kin). Lines only partly inside go too.
 * Inputs: x0 := first byte, x1 := end. Ends with DSB SY. Clobbers: x0, x2, x3
 */
FUNC dcache_clean_inval_poc
	dmb	sy				/* stores come first, those past the caches too */
	mrs	x3, ctr_el0
	ubfx	x3, x3, #16, #4			/* DminLine: log2 of words */
	mov	x2, #4
	lsl	x2, x2, x3			/* x2 := bytes a line */
	sub	x3, x2, #1
	bic	x0, x0, x3
1:	dc	civac, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	1b
	dsb	sy
	ret
ENDFUNC dcache_clean_inval_poc

/*
 * void *memset(void *dst, int c, size_t n). Zeroes go by DC ZVA where the CPU has it, a block (64 bytes on most) an instruction.
 * Inputs: x0 := dst, w1 := c, x2 := n. Outputs: x0 := dst. Clobbers: x1..x6
 */
FUNC memset
	mov	x3, x0				/* x3 := next byte */
	add	x4, x0, x2			/* x4 := end */
	and	x1, x1, #0xff
	mov_q	x5, 0x0101010101010101
	mul	x1, x1, x5			/* x1 := c in every byte */
	cmp	x2, #16
	b.lo	6f

	/* Up to a multiple of 16, then pairs, then the tail. */
1:	tst	x3, #15
	b.eq	2f
	strb	w1, [x3], #1
	b	1b
2:	cbnz	x1, 4f
	adr	x5, .
	tbz	x5, #63, 4f			/* the MMU is off, all memory Device: DC ZVA would fault */
	mrs	x5, dczid_el0
	tbnz	x5, #4, 4f			/* DZP: not allowed */
	and	x5, x5, #0xf
	mov	x6, #4
	lsl	x5, x6, x5			/* x5 := bytes a block */
	sub	x6, x4, x3
	cmp	x6, x5, lsl #1
	b.lo	4f
	sub	x6, x5, #1
3:	tst	x3, x6
	b.eq	31f
	stp	xzr, xzr, [x3], #16
	b	3b
31:	sub	x6, x4, x5, lsl #2		/* x6 := last place four blocks fit */
	cmp	x3, x6
	b.hi	33f
32:	.rept	4
	dc	zva, x3
	add	x3, x3, x5
	.endr
	cmp	x3, x6
	b.ls	32b
33:	sub	x6, x4, x5			/* x6 := last place a block fits */
	cmp	x3, x6
	b.hi	4f
34:	dc	zva, x3
	add	x3, x3, x5
	cmp	x3, x6
	b.ls	34b
4:	sub	x6, x4, #16
	cmp	x3, x6
	b.hi	6f
5:	stp	x1, x1, [x3], #16
	cmp	x3, x6
	b.ls	5b
6:	cmp	x3, x4
	b.eq	8f
7:	strb	w1, [x3], #1
	cmp	x3, x4
	b.ne	7b
8:	ret
ENDFUNC memset
