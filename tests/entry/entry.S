/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Enters an Image in a state of the caller's choice. Position-independent: a raw blob for any 4 KiB-aligned address, run from
 * there by QEMU's generic loader; scripts/run does it. What to do stands in a second blob that is loaded at offset 0x8000,
 * 64-bit words:
 *
 *	0x00  EL to enter the Image at, 0 to stay at the one the machine starts in (the highest it has)
 *	0x08  address of the Image
 *	0x10  x0, 0x18 x1, 0x20 x2, 0x28 x3
 *	0x30  flags, below
 *	0x38  bits to set in the entered EL's SCTLR: 0x1 MMU, 0x4 D-cache, 0x1000 I-cache. The MMU comes with an identity map
 *	      of the first 512 GiB, all of it normal write-back memory
 *	0x40  address and
 *	0x48  size of memory to fill with garbage first, multiples of 8
 *	0x50  not 0: an Image at EL1, on virt, gets so many writes less one through to the UART, then each is answered by an SError
 *
 *	0x58  pairs of an address and a value: 32 bits to be written after the garbage; an address of 0 ends them
 *
 * To enter at EL1 or EL2 the machine must have that EL; the ELs above are set up as the arm64 boot protocol asks of
 * firmware. They answer every SMC and HVC that gets to them with -1 (PSCI and SMCCC: not supported); any other trap from the
 * Image ends QEMU with status 99. SErrors need EL2 above the Image.
 */
#define FLAG_E2H     0 /* entered at EL2: HCR_EL2.E2H set */
#define FLAG_UNMASK  1 /* PSTATE.DAIF clear */
#define FLAG_ALL     2 /* every CPU that starts here enters the Image, not only the one with affinity 0 */
#define FLAG_POISON  3 /* registers that the protocol leaves open hold garbage, in the entered EL and below */
#define FLAG_BE      4 /* data is big-endian in the entered EL */
#define FLAG_SERROR  5 /* an SError is pending, for an Image at EL1 */
#define FLAG_NOCLOCK 6 /* CNTFRQ_EL0 is 0 */
#define FLAG_SHIFTED 7 /* with the MMU on, all but the first GiB lies 1 GiB higher than it is */

#define AT   0x4000000 /* where scripts/run puts this on virt */
#define UART 0x9000000

#define HCR_VM  (1 << 0)
#define HCR_AMO (1 << 5)
#define HCR_VSE (1 << 8)

/* Bits that would stop the entered EL from running at all: MMU, caches, big-endian data. */
#define SCTLR_NO_POISON 0x02001005
#define SCTLR_EL1_RES1  0x30d00800
#define SCTLR_EL23_RES1 0x30c50830

	.macro	mov64, reg, val
	ldr	\reg, =\val
	.endm

	.section .text, "ax"
	.globl	_start
_start:
base:
	b	start

/* Exceptions from below, taken to an EL that the Image is not supposed to see. */
	.macro	vectors, el
	.rept	8
	b	trap_bug
	.balign	128
	.endr
	msr	tpidr_el\el, x9
	mrs	x9, esr_el\el
	lsr	x9, x9, #26
	cmp	x9, #0x24 // data abort
	b.eq	device_access
	and	x9, x9, #~1 // HVC from AArch64 is class 0x16, SMC 0x17
	cmp	x9, #0x16
	b.ne	trap_bug
	mrs	x9, tpidr_el\el
	mov	x0, #-1
	eret
	.balign	128
	.rept	7
	b	trap_bug
	.balign	128
	.endr
	.endm

	.balign	4096
identity:	/* one level 1 table of 1 GiB blocks: AF, inner shareable, attribute 0 */
	.set	gib, 0
	.rept	512
	.quad	(gib << 30) | 0x701
	.set	gib, gib + 1
	.endr

	.balign	4096
shifted:
	.quad	0x701
	.set	gib, 0
	.rept	511
	.quad	(gib << 30) | 0x701
	.set	gib, gib + 1
	.endr

	/* The same of stage 2, all access; its first GiB in blocks of 2 MiB, without the one of virt's UART. This is flash. */
stage2:
	.quad	AT + (stage2_low - base) + 3
	.set	gib, 1
	.rept	511
	.quad	(gib << 30) | 0x7fd
	.set	gib, gib + 1
	.endr
stage2_low:
	.set	block, 0
	.rept	512
	.if	block == UART >> 21
	.quad	0
	.else
	.quad	(block << 21) | 0x7fd
	.endif
	.set	block, block + 1
	.endr

	.balign	2048
vectors3:
	vectors	3
	.balign	2048
vectors2:
	vectors	2

trap_bug:
	mov	x0, #0x20 // SYS_EXIT_EXTENDED
	adr	x1, exit_block
	hlt	#0xf000
	b	.
	.balign	8
exit_block:
	.quad	0x20026, 99 // ADP_Stopped_ApplicationExit

/* d0..d30 take x0..x30: here is no memory to write, and an Image has no use for them. d31: writes to get through. */
	.macro	all_but_x9, insn
	.irp	n, 0,1,2,3,4,5,6,7,8,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
	\insn	\n
	.endr
	.endm
	.macro	save, n
	fmov	d\n, x\n
	.endm
	.macro	restore, n
	fmov	x\n, d\n
	.endm

device_access:
	all_but_x9 save
	mrs	x0, tpidr_el2
	fmov	d9, x0
	mrs	x1, esr_el2
	mrs	x2, far_el2
	mrs	x3, hpfar_el2
	tbz	x1, #24, trap_bug // ISV: which register, which size
	lsr	x3, x3, #4
	and	x2, x2, #0xfff
	orr	x2, x2, x3, lsl #12 // x2: physical address
	ubfx	x4, x1, #16, #5
	lsl	x4, x4, #3 // x4: place of the register in a list of pairs of instructions
	tbnz	x1, #6, 2f
	tbnz	x1, #23, 1f
	ldrb	w5, [x2]
	b	3f
1:	ldr	w5, [x2]
3:	adr	x6, 1f
	add	x6, x6, x4
	br	x6
1:	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
	fmov	d\n, x5
	b	4f
	.endr
	b	4f
2:	fmov	x7, d31
	cbz	x7, 3f
	sub	x7, x7, #1
	fmov	d31, x7
	adr	x6, 1f
	add	x6, x6, x4
	br	x6
1:	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
	fmov	x5, d\n
	b	2f
	.endr
	mov	x5, #0
2:	tbnz	x1, #23, 1f
	strb	w5, [x2]
	b	4f
1:	str	w5, [x2]
	b	4f
3:	mrs	x5, hcr_el2
	orr	x5, x5, #HCR_VSE
	msr	hcr_el2, x5
4:	mrs	x9, elr_el2
	add	x9, x9, #4
	msr	elr_el2, x9
	fmov	x9, d9
	all_but_x9 restore
	eret

/* x19: EL we are at. x20: EL to enter. x21: flags. x28: the block. */
start:
	adr	x28, base + 0x8000
	mrs	x19, CurrentEL
	lsr	x19, x19, #2
	ldr	x20, [x28, #0x00]
	cmp	x20, #0
	csel	x20, x19, x20, eq
	cmp	x20, x19
	b.hi	trap_bug // the machine does not have that EL
	ldr	x21, [x28, #0x30]

	mrs	x0, mpidr_el1
	mov64	x1, 0xff00ffffff
	tst	x0, x1
	b.eq	1f
	tbnz	x21, #FLAG_ALL, 2f
0:	wfi
	b	0b

1:	ldp	x0, x1, [x28, #0x40]
	mov64	x2, 0xdeadbeefa5a5a5a5
	add	x1, x0, x1
3:	cmp	x0, x1
	b.hs	4f
	str	x2, [x0], #8
	b	3b
4:	add	x0, x28, #0x58
5:	ldp	x1, x2, [x0], #16
	cbz	x1, 2f
	str	w2, [x1]
	b	5b

	/* The ELs above the entered one are ours. */
2:	tbz	x21, #FLAG_NOCLOCK, 1f
	msr	cntfrq_el0, xzr
1:	cmp	x19, #3
	b.lo	1f
	cmp	x20, #3
	b.eq	1f
	bl	firmware_el3
1:	cmp	x20, #1
	b.ne	1f
	mrs	x0, id_aa64pfr0_el1
	tst	x0, #0xf00 // EL2 implemented
	b.eq	1f
	cmp	x19, #2
	b.lo	1f
	bl	hypervisor_el2
1:
	tbz	x21, #FLAG_POISON, 1f
	bl	poison
1:	cmp	x20, #2
	b.lo	at_el1
	b.eq	at_el2

at_el3:
	mov64	x0, SCTLR_EL23_RES1
	bl	sctlr_value
	mov64	x1, 0x80823519 // 39 bits, write-back, inner shareable, 4 KiB, 40-bit output
	msr	tcr_el3, x1
	mov	x1, #0xff
	msr	mair_el3, x1
	bl	map
	msr	ttbr0_el3, x1
	tlbi	alle3
	dsb	sy
	isb
	msr	sctlr_el3, x0
	b	enter

at_el2:
	mrs	x2, hcr_el2
	bic	x2, x2, #1 << 34
	tbz	x21, #FLAG_E2H, 1f
	orr	x2, x2, #1 << 34
1:	msr	hcr_el2, x2
	isb
	mov64	x1, 0x80823519
	mov64	x3, 0x200803519 // the same in the layout of EL1, upper half off
	tst	x2, #1 << 34
	csel	x1, x1, x3, eq
	msr	tcr_el2, x1
	mov	x1, #0xff
	msr	mair_el2, x1
	bl	map
	msr	ttbr0_el2, x1
	mov64	x0, SCTLR_EL23_RES1
	bl	sctlr_value
	tlbi	alle2
	dsb	sy
	isb
	msr	sctlr_el2, x0
	b	enter

at_el1:
	mov64	x1, 0x200803519
	msr	tcr_el1, x1
	mov	x1, #0xff
	msr	mair_el1, x1
	bl	map
	msr	ttbr0_el1, x1
	mov64	x0, SCTLR_EL1_RES1
	bl	sctlr_value
	tlbi	vmalle1
	dsb	sy
	isb
	msr	sctlr_el1, x0

enter:
	isb
	ldr	x29, [x28, #0x08]
	tbz	x21, #FLAG_SHIFTED, 1f
	mov64	x0, 0x40000000
	add	x29, x29, x0
1:
	lsl	x0, x20, #2
	orr	x0, x0, #1 // its own stack pointer
	tbnz	x21, #FLAG_UNMASK, 1f
	orr	x0, x0, #0x3c0
1:	cmp	x19, x20
	b.eq	go
	cmp	x19, #3
	b.ne	2f
	msr	spsr_el3, x0
	msr	elr_el3, x29
	b	go
2:	msr	spsr_el2, x0
	msr	elr_el2, x29
go:
	mov	x30, x29
	cmp	x19, x20
	cset	x29, eq
	mov	x18, x21
	ldp	x0, x1, [x28, #0x10]
	ldp	x2, x3, [x28, #0x20]
	tbz	x18, #FLAG_BE, 1f		// last, for it turns our own loads around too
	cmp	x20, #2
	b.eq	2f
	b.hi	3f
	mrs	x4, sctlr_el1
	orr	x4, x4, #(1 << 25)
	msr	sctlr_el1, x4
	b	1f
2:	mrs	x4, sctlr_el2
	orr	x4, x4, #(1 << 25)
	msr	sctlr_el2, x4
	b	1f
3:	mrs	x4, sctlr_el3
	orr	x4, x4, #(1 << 25)
	msr	sctlr_el3, x4
1:	isb
	.irp	n, 4,5,6,7,8,9,10,11,12,13,14,15,16,17,19,20,21,22,23,24,25,26,27,28
	mov	x\n, #0xbad0 + \n
	.endr
	movk	x20, #0xdead, lsl #48
	cbz	x29, 1f
	tbz	x18, #FLAG_UNMASK, 2f
	msr	daifclr, #0xf
	br	x30
2:	msr	daifset, #0xf
	br	x30
1:	eret

/* x1: the table to translate with. */
map:	adr	x1, identity
	tbz	x21, #FLAG_SHIFTED, 1f
	adr	x1, shifted
1:	ret

/* x0: RES1 bits in, value to write to SCTLR out. */
sctlr_value:
	tbz	x21, #FLAG_POISON, 1f
	mov64	x1, SCTLR_NO_POISON
	mvn	x0, x1
1:	ldr	x1, [x28, #0x38]
	tbz	x1, #0, 2f
	bic	x0, x0, #1 << 19 // WXN: all of the identity map is writable
2:	orr	x0, x0, x1
	ret

/* EL3 for an Image below: non-secure, AArch64, nothing trapped. Bits of features a CPU lacks are RES0. */
firmware_el3:
	adr	x0, vectors3
	msr	vbar_el3, x0
	/* RES1, NS, HCE, RW, ST, APK, API, EnSCXT, ATA, FGTEn, ECVEn, HXEn, GCSEn, EnTP2, TCR2En, SCTLR2En, PIEn, FGTEn2 */
	mov64	x0, 0x8003ac01e030d31
	mrs	x1, id_aa64pfr0_el1
	tst	x1, #0xf00
	b.ne	1f
	bic	x0, x0, #0x100 // HCE without EL2
1:	msr	scr_el3, x0
	mov	x0, #0x1100 // EZ, ESM: SVE and SME not trapped
	msr	cptr_el3, x0
	msr	mdcr_el3, xzr
	isb
	ret

/* EL2 for an Image at EL1. */
hypervisor_el2:
	adr	x0, vectors2
	msr	vbar_el2, x0
	mov64	x0, 0x80000000 // RW
	tbz	x21, #FLAG_SERROR, 1f
	orr	x0, x0, #HCR_VSE
1:	ldr	x1, [x28, #0x50]
	cbz	x1, 1f
	sub	x1, x1, #1
	msr	cptr_el2, xzr
	isb
	fmov	d31, x1
	orr	x0, x0, #HCR_VM
	adr	x1, stage2
	msr	vttbr_el2, x1
	mov64	x1, 0x80023559 // 39 bits from level 1, write-back, inner shareable, 4 KiB, 40-bit output
	msr	vtcr_el2, x1
1:	orr	x0, x0, #HCR_AMO
	msr	hcr_el2, x0
	isb
	mov	x0, #3 // physical counter and timer not trapped
	msr	cnthctl_el2, x0
	msr	cntvoff_el2, xzr
	mov	x0, #0x22ff // RES1 bits; no TZ, TSM, TFP, TTA
	msr	cptr_el2, x0
	msr	hstr_el2, xzr
	mrs	x0, midr_el1
	msr	vpidr_el2, x0
	mrs	x0, mpidr_el1
	msr	vmpidr_el2, x0
	isb
	ret

/* Garbage. What the entered EL needs to run at all is written after this. */
poison:
	mov	x0, #-1
	mov64	x1, 0xdeadbeefa5a5a5a0
	mov64	x2, 0x0000a5a5a5a5a000
	.irp	reg, afsr0_el1, afsr1_el1, amair_el1, contextidr_el1, cpacr_el1, elr_el1, esr_el1, far_el1, \
		mair_el1, sp_el0, tcr_el1, tpidr_el0, tpidrro_el0, tpidr_el1, vbar_el1, par_el1
	msr	\reg, x1
	.endr
	msr	ttbr0_el1, x2
	msr	ttbr1_el1, x2
	mov	x3, #0xa001 // MDE, KDE, SS
	tbz	x21, #FLAG_UNMASK, 1f
	mov	x3, #0 // a step each instruction would be no state to enter in
1:	msr	mdscr_el1, x3
	msr	cntkctl_el1, x0
	mov	x3, #1 // timers on
	msr	cntv_ctl_el0, x3
	msr	cntp_ctl_el0, x3
	cmp	x20, #2
	b.lo	9f

	/* EL2 and what it decides for EL1: every trap on. */
	msr	sp_el1, x1
	msr	spsr_el1, x1
	msr	sctlr_el1, x0
	mrs	x3, id_aa64mmfr1_el1
	ubfx	x3, x3, #40, #4
	cbz	x3, 1f
	msr	S3_4_C1_C2_2, x0 // HCRX_EL2
1:	mrs	x3, id_aa64mmfr0_el1
	ubfx	x3, x3, #56, #4
	cbz	x3, 1f
	msr	S3_4_C1_C1_4, x0 // HFGRTR_EL2
	msr	S3_4_C1_C1_5, x0 // HFGWTR_EL2
	msr	S3_4_C1_C1_6, x0 // HFGITR_EL2
	msr	S3_4_C3_C1_4, x0 // HDFGRTR_EL2
	msr	S3_4_C3_C1_5, x0 // HDFGWTR_EL2
1:	msr	cnthctl_el2, xzr
	mov64	x3, 0x123456789abc
	msr	cntvoff_el2, x3
	msr	hstr_el2, x0
	msr	hacr_el2, x0
	msr	mdcr_el2, x0
	msr	cptr_el2, x0
	.irp	reg, afsr0_el2, afsr1_el2, amair_el2, elr_el2, esr_el2, far_el2, hpfar_el2, mair_el2, tpidr_el2, vbar_el2, \
		vmpidr_el2, vpidr_el2, vtcr_el2
	msr	\reg, x1
	.endr
	msr	vttbr_el2, x2
	mov64	x3, 0xfffffffbffffffff // E2H by its flag, later
	msr	hcr_el2, x3
	cmp	x20, #3
	b.lo	9f

	/* EL3 and what it decides for EL2. */
	msr	sp_el2, x1
	msr	spsr_el2, x1
	msr	sctlr_el2, x0
	msr	tcr_el2, x1
	msr	ttbr0_el2, x2
	msr	cptr_el3, x0
	msr	mdcr_el3, x0
	.irp	reg, afsr0_el3, afsr1_el3, amair_el3, elr_el3, esr_el3, far_el3, tpidr_el3, vbar_el3, spsr_el3
	msr	\reg, x1
	.endr
	mov	x3, #0x8e // SMD, EA, FIQ, IRQ; secure, AArch32 below, all else trapped
	msr	scr_el3, x3
9:	isb
	ret

	.ltorg
