/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the loader's jump to start_kernel(). The way down this file is the way the CPU takes:
 *
 *   header -> primary_entry -> drop_to_el1 -> elect_boot_cpu -> rescue_tree -> clear_early_tables -> check_cpu -> create_idmap,
 *          create_kernel_map -> cpu_setup -> enable_mmu -> primary_switched (kernel's own addresses) -> start_kernel
 *
 * Until the MMU is on, memory is Device to this CPU: no unaligned access, no exclusives, no DC ZVA, and stores go past the caches: what
 * is written (tables, boot_status, an early stack, a copy in the brk area) is in none before and in none behind. What goes wrong ends in
 * early_dead_end, which calls early/console.c. Registers with a life longer than one routine:
 *
 *   x19  CNTVCT at entry                    drop_to_el1 .. primary_switched
 *   x20  device tree                        primary_entry .. primary_switched
 *   x21  x1 of the loader                   primary_entry .. primary_switched
 *   x22  x2 of the loader                   primary_entry .. primary_switched
 *   x23  x3 of the loader                   primary_entry .. primary_switched
 *   x24  entry EL in 3:0, DAIF above        primary_entry .. primary_switched
 *   x25  SCTLR of the entry EL              primary_entry .. primary_switched
 *   x26  HCR_EL2 as found, or 0             drop_to_el1 .. primary_switched
 *   x27  idmap address of the tree's page   create_idmap .. primary_switched
 *   x28  T0SZ's address bits of the idmap   create_idmap .. enable_mmu; free before
 *   x29  x0 of the loader                   primary_entry .. primary_switched
 */
#include <asm/macros.inc>
#include <asm/boot.h>
#include <asm/memory.h>
#include <asm/pte.h>
#include <asm/sysreg.h>

	.section ".head.text", "ax"
/*
 * The arm64 Image header (boot protocol, "Call the kernel image"): 64 bytes, little endian. flags: bit 0 little endian, bits 2:1 page size
 * (1, 2, 3: 4, 16, 64 KiB), bit 3 the image may lie anywhere in RAM.
 */
	.globl	_head
_head:
	b	primary_entry
	.long	0
	.quad	0				/* text_offset */
	.long	image_size_lo, image_size_hi	/* BSS, stacks, tables and brk included */
	.quad	(1 << 3) | (((PAGE_SHIFT - 12) / 2 + 1) << 1)
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0
	.long	boot_status_offset, 0		/* offset 0x40: where boot_status lies, from here */
	.globl	image_sum
image_sum:
	.quad	0				/* offset 0x48: sum of what does not change, by scripts/link */
	.balign	BOOT_OPTIONS_SIZE
	.globl	boot_options
boot_options:
	.skip	BOOT_OPTIONS_SIZE		/* offset 0x80: the user's, by scripts/set-options; ends in NUL */

	.section ".mmuoff.data", "aw"
	.balign	2048
	.globl	boot_status
boot_status:
	.quad	BOOT_STATUS_MAGIC, BOOT_RUNNING, 0, 0, 0, 0, 0, 0
	.quad	0, 0, 0				/* STATUS_PARKED, how much of the tree was moved, ESR of an SError */
	.balign	64
boot_cpu_claim:
	.quad	0, 0, 0

	.section ".early_tables", "aw", %nobits
	.balign	PAGE_SIZE
	/* One table a level: image and FDT window lie in one 2 MiB block (linker.lds asserts it). */
init_idmap_extra:
	.skip	PAGE_SIZE			/* level 0, when the image lies beyond VA_BITS */
init_idmap_pg_dir:
	.skip	PGTABLE_LEVELS(VA_BITS) * PAGE_SIZE
	.globl	init_pg_dir
init_pg_dir:
	.skip	PGTABLE_LEVELS(VA_BITS) * PAGE_SIZE
early_tables_end:

/* This EL's own one of a register that each has: read_here x0, sctlr. Corrupts tmp (which may be reg) and flags; reg is not corrupted. */
	.macro	read_here, reg, name, tmp
	mrs	\tmp, CurrentEL
	cmp	\tmp, #(2 << 2)
	b.eq	.Lel2\@
	b.hi	.Lel3\@
	mrs	\reg, \name\()_el1
	b	.Lread\@
.Lel2\@:
	mrs	\reg, \name\()_el2
	b	.Lread\@
.Lel3\@:
	mrs	\reg, \name\()_el3
.Lread\@:
	.endm

	.macro	write_here, name, reg, tmp
	mrs	\tmp, CurrentEL
	cmp	\tmp, #(2 << 2)
	b.eq	.Lel2\@
	b.hi	.Lel3\@
	msr	\name\()_el1, \reg
	b	.Lwritten\@
.Lel2\@:
	msr	\name\()_el2, \reg
	b	.Lwritten\@
.Lel3\@:
	msr	\name\()_el3, \reg
.Lwritten\@:
	.endm

/* MMU, caches and checks off at this EL, endianness ours. An ISB must follow. Corrupts val, tmp, flags. */
	.macro	write_sctlr_off, val, tmp
	mov_q	\val, SCTLR_EL2_OFF		/* good for EL3, and for EL2 with E2H set, too */
	mrs	\tmp, CurrentEL
	cmp	\tmp, #(1 << 2)
	b.ne	.Lnot_el1\@
	mov_q	\val, SCTLR_EL1_OFF
.Lnot_el1\@:
	write_here sctlr, \val, \tmp
	.endm

	.section ".head.text", "ax"
/*
 * The first instruction after the header. Vectors first: from here on even a wild exception has an address and a reason.
 * Inputs: x0..x3 of the loader; any EL. MMU off, by the protocol.
 */
FUNC primary_entry
	mov	x20, x0
	mov	x29, x0
	mov	x21, x1
	mov	x22, x2
	mov	x23, x3
	mrs	x24, daif
	msr	daifset, #0xf
	msr	spsel, #1
	mov	x4, #0
	mov	sp, x4				/* an exception finds no stack to use */
	adr	x4, early_vectors
	mrs	x5, CurrentEL
	orr	x24, x24, x5, lsr #2
	cmp	x5, #(2 << 2)
	b.eq	2f
	b.hi	3f
	msr	vbar_el1, x4
	mrs	x25, sctlr_el1			/* x25 := SCTLR as found */
	b	4f
2:	msr	vbar_el2, x4
	mrs	x25, sctlr_el2
	b	4f
3:	msr	vbar_el3, x4
	mrs	x25, sctlr_el3
	/* With the MMU off it is written at once: endianness and checks are ours from here on. */
4:	tbz	x25, #0, 1f
	bl	prepare_mmu_off
1:	write_sctlr_off x4, x5
	isb
	bl	drop_to_el1			/* where a console's probes see SErrors */
	bl	elect_boot_cpu
	/* A report's stack may lie where the tree is. Misaligned within a page, no C can run before say_dead_end has made its copy. */
	adr	x1, _head
	tst	x1, #(PAGE_SIZE - 1)
	b.ne	5f
	bl	rescue_tree
5:	adr	x1, _head
	mov	x0, #BOOT_MISALIGNED
	tst	x1, #(SZ_2M - 1)
	b.ne	early_dead_end
	/* Tables are written past the caches: no line of a loader's may be written back over them, nor be read instead of them. */
	adr	x0, __early_tables_start
	adr	x1, __early_tables_end
	bl	dcache_clean_inval_poc
	bl	clear_early_tables
	bl	check_cpu
	bl	create_idmap
	bl	create_kernel_map
	adr	x0, __early_tables_start
	adr	x1, __early_tables_end
	bl	dcache_clean_inval_poc
	bl	cpu_setup
	b	enable_mmu
ENDFUNC primary_entry

/*
 * Entered with the MMU on, which is against the protocol, but can be put right: what the caches hold of the image goes to memory, and the
 * caller switches it off. Not so where this code is not mapped 1:1. The tree is read through the caches again; at EL3 that needs a
 * loader that has cleaned it, for what lies in them as Secure is out of reach in Non-secure state.
 * Inputs: x25 := SCTLR. Clobbers: x0..x3, x8, x9
 */
LOCAL_FUNC prepare_mmu_off
	mov	x8, lr
	adr_l	x9, _end
	adr	x0, _head
	bl	maps_itself
	sub	x0, x9, #1
	b.ne	1f
	bl	maps_itself
	b.eq	2f
1:	mov	x21, #BOOT_MMU_ON		/* if what is written here faults */
	mov_q	x5, DEAD_END
	bl	elect_boot_cpu			/* one speaks */
	mov	x0, x21
	mov	x1, x25
	b	early_dead_end
2:	adr	x0, _head
	mov	x1, x9
	mov	lr, x8
	b	dcache_clean_inval_poc
ENDFUNC prepare_mmu_off

	.text
/*
 * A tree that is misaligned, or that lies where the image has its BSS, tables and stacks, is copied to the brk area before anything is
 * written there. What cannot be helped stays as it is, and is refused later, in words.
 * Inputs: x20 := tree. Outputs: x20 := where it is now. Clobbers: x0..x18, x28
 */
LOCAL_FUNC rescue_tree
	cbz	x20, 1f
	adr	x0, _head
	adr_l	x1, _end
	sub	x0, x0, #SZ_2M			/* the largest tree may begin there, and end in the image */
	sub	x2, x1, x0
	sub	x3, x20, x0
	tst	x20, #7
	ccmp	x3, x2, #0, eq
	b.lo	2f
1:	ret
2:	mov	x28, lr
	adr	x0, init_stack_end
	cmp	x20, x0
	csel	x0, x0, x1, hs			/* a stack where the tree is not */
	bl	take_early_stack
	mov	x0, x20
	bl	early_rescue_tree
	msr	daifset, #4			/* it let SErrors in */
	mov	x20, x0
	mov	x1, sp
	sub	x0, x1, #EARLY_STACK_SIZE
	mov	x2, #0
	mov	sp, x2
	mov	lr, x28
	b	dcache_clean_inval_poc
ENDFUNC rescue_tree

/*
 * One CPU goes on, whichever it is. Exclusives do not work on Device memory, so this is Lamport's splitter: who finds the door open
 * after writing its name, shuts it, and still finds its name goes on; that can be one at most, whatever the timing. It can also be none:
 * then, after a long wait, the CPU whose name is there goes on. With the MMU on, which is not so for long, it holds as well.
 * Clobbers: x0, x1, x4, x6..x8
 */
LOCAL_FUNC elect_boot_cpu
	adr	x4, boot_cpu_claim		/* name, door, winner */
	and	x4, x4, #~7			/* as the image itself, wherever that is */
	mrs	x8, mpidr_el1
	orr	x8, x8, #BIT(63)		/* x8 := this CPU's name, never 0 */
	ldr	x6, [x4, #8]
	cbnz	x6, 1f
	str	x8, [x4]
	dsb	sy
	ldr	x6, [x4, #8]
	cbnz	x6, 1f
	str	x8, [x4, #8]
	dsb	sy
	ldr	x6, [x4]
	cmp	x8, x6
	b.eq	2f
1:	mov	x7, #(1 << 20)			/* reads of uncached memory: a tenth of a second and more */
3:	ldr	x6, [x4, #16]
	cbnz	x6, park
	subs	x7, x7, #1
	b.ne	3b
	ldr	x6, [x4]
	cmp	x8, x6
	b.ne	park
2:	str	x8, [x4, #16]
	adr	x4, _head
	str	wzr, [x4, #56]			/* no magic: what has run is no Image any more, and booti says so */
	dsb	sy
	dc	civac, x4			/* code that is fetched through the caches begins in this line */
	dsb	sy
	ret
park:
	cmp	x8, x6
	b.eq	run_before
	adr	x4, boot_status + STATUS_PARKED
	and	x4, x4, #~7
	str	x8, [x4]
	dmb	sy
	dc	civac, x4			/* the boot CPU may have looked already */
	dsb	sy
	mov	x0, #BOOT_PARKED
	bic	x1, x8, #BIT(63)
	b	stop_cpu
	/* The winner was this CPU: what lies here is not what was loaded, and what it says of its boot is not of this one. */
run_before:
	adr	x4, handover
	str	wzr, [x4, #HANDOVER_EL]
	adr	x4, log_tells
	strb	wzr, [x4]
	mov	x0, #BOOT_RUN_BEFORE
	b	early_dead_end
ENDFUNC elect_boot_cpu

/*
 * Program what an identity field says is there. When the 4-bit field at \shift of \id is at least \least, fall through; else skip.
 * Clobbers \tmp.
 */
	.macro	skip_unless, id, shift, least, label, tmp
	.if	\least == 1
	tst	\id, #(UL(0xf) << \shift)
	b.eq	\label
	.else
	ubfx	\tmp, \id, #\shift, #4
	cmp	\tmp, #\least
	b.lo	\label
	.endif
	.endm

/* val := SMCR_ELx: the longest vectors, and FA64 and ZT0 where this CPU has them. Corrupts id, tmp. */
	.macro	smcr_value, val, id, tmp
	mrs	\id, SYS_ID_AA64SMFR0_EL1
	mov	\val, #0xf
	lsr	\tmp, \id, #63
	orr	\val, \val, \tmp, lsl #31
	ubfx	\tmp, \id, #56, #4
	cbz	\tmp, .Lno_zt0\@
	orr	\val, \val, #BIT(30)
.Lno_zt0\@:
	.endm

/*
 * Down to EL1, at most through EL3 and EL2. Each trap and control register the boot protocol names is written: nothing EL1 uses may
 * trap, and no register keeps the value it had at reset. HCR_EL2.E2H stays as it was found; the layouts of CPTR_EL2 and CNTHCTL_EL2 and
 * the names of EL1's registers follow it (Arm ARM D5.1, D8.16).
 * Outputs: x19 := CNTVCT at entry, x26 := HCR_EL2 as found or 0. Clobbers: x0..x17
 */
LOCAL_FUNC drop_to_el1
	mov	x17, lr				/* x17 := return address, survives the drops */
	mov	x26, #0
	mrs	x10, id_aa64pfr0_el1		/* x10 := ID_AA64PFR0 */
	mrs	x11, id_aa64pfr1_el1		/* x11 := ID_AA64PFR1 */
	mrs	x12, id_aa64mmfr0_el1		/* x12 := ID_AA64MMFR0 */
	mrs	x13, id_aa64mmfr1_el1		/* x13 := ID_AA64MMFR1 */
	mrs	x14, SYS_ID_AA64MMFR3_EL1	/* x14 := ID_AA64MMFR3 */
	mrs	x15, id_aa64isar1_el1		/* x15 := ID_AA64ISAR1 */
	mrs	x16, id_aa64dfr0_el1		/* x16 := ID_AA64DFR0 */
	and	x0, x24, #3
	cmp	x0, #2
	b.eq	.Lat_el2
	b.lo	.Lat_el1

	/* EL3. Non-secure, AArch64 below, HVC allowed; SMC is undefined, for nobody up here answers (D19.2.120). */
	mov_q	x0, BIT(0) | BIT(4) | BIT(5) | BIT(7) | BIT(8) | BIT(10)
	mrs	x1, SYS_ID_AA64ISAR2_EL1
	mov_q	x2, GENMASK(11, 4) | GENMASK(31, 24)
	tst	x15, x2
	b.ne	1f				/* pointer authentication: APK, API */
	mov_q	x2, GENMASK(15, 8)
	tst	x1, x2
	b.eq	2f
1:	orr	x0, x0, #(BIT(16) | BIT(17))
2:	skip_unless x11, 8, 2, 3f, x2		/* MTE2: ATA */
	orr	x0, x0, #BIT(26)
3:	skip_unless x12, 56, 1, 4f, x2		/* fine-grained traps: FGTEn, FGTEn2 */
	orr	x0, x0, #BIT(27)
	skip_unless x12, 56, 2, 4f, x2
	orr	x0, x0, #BIT(59)
4:	skip_unless x13, 40, 1, 5f, x2		/* HCRX_EL2: HXEn */
	orr	x0, x0, #BIT(38)
5:	skip_unless x15, 60, 3, 6f, x2		/* LS64_ACCDATA: EnAS0, ADEn */
	orr	x0, x0, #(BIT(36) | BIT(37))
6:	skip_unless x11, 24, 1, 7f, x2		/* SME: EnTP2 */
	orr	x0, x0, #BIT(41)
7:	skip_unless x14, 0, 1, 8f, x2		/* TCR2: TCR2En */
	orr	x0, x0, #BIT(43)
8:	skip_unless x14, 4, 1, 9f, x2		/* SCTLR2: SCTLR2En */
	orr	x0, x0, #BIT(44)
9:	skip_unless x14, 8, 1, 1f, x2		/* permission indirection: PIEn */
	orr	x0, x0, #BIT(45)
1:	skip_unless x11, 44, 1, 2f, x2		/* guarded control stack: GCSEn */
	orr	x0, x0, #BIT(39)
2:	skip_unless x12, 60, 1, 3f, x2		/* enhanced counter virtualisation: ECVEn */
	orr	x0, x0, #BIT(28)
3:	msr	scr_el3, x0

	mov	x0, #0				/* CPTR_EL3: FP and AMU do not trap; SVE and SME enabled */
	skip_unless x10, 32, 1, 4f, x2
	orr	x0, x0, #BIT(8)
4:	skip_unless x11, 24, 1, 5f, x2
	orr	x0, x0, #BIT(12)
5:	msr	cptr_el3, x0
	isb
	mov	x1, #0xf			/* vector lengths: the longest there is */
	skip_unless x10, 32, 1, 6f, x2
	msr	SYS_ZCR_EL3, x1
6:	skip_unless x11, 24, 1, 7f, x2
	smcr_value x1, x2, x3
	msr	SYS_SMCR_EL3, x1

7:	mov	x0, #0				/* MDCR_EL3: debug and counters do not trap; buffers belong below */
	skip_unless x16, 32, 1, 8f, x2		/* SPE: NSPB; EnPMSN and EnPMS3, of no effect where it filters nothing */
	orr	x0, x0, #(BIT(12) | BIT(13))
	orr	x0, x0, #BIT(36)
	orr	x0, x0, #BIT(42)
8:	skip_unless x16, 44, 1, 9f, x2		/* TRBE: NSTB */
	orr	x0, x0, #(BIT(24) | BIT(25))
9:	skip_unless x16, 52, 1, 1f, x2		/* BRBE: SBRBE */
	orr	x0, x0, #(BIT(32) | BIT(33))
1:	ubfx	x2, x16, #8, #4			/* PMUv3p9: EnPM2 */
	cmp	x2, #9
	b.lo	2f
	cmp	x2, #0xf
	b.eq	2f
	orr	x0, x0, #BIT(7)
2:	msr	mdcr_el3, x0

	skip_unless x10, 24, 1, 3f, x2		/* GIC system registers: SRE, DFB, DIB, Enable; PMHE 0 */
	mov	x0, #0xf
	msr	SYS_ICC_SRE_EL3, x0
	isb
	msr	SYS_ICC_CTLR_EL3, xzr
3:	skip_unless x10, 44, 1, 3f, x2		/* activity monitors count */
	mov	x0, #0xf
	msr	SYS_AMCNTENSET0_EL0, x0
	/* Arm's older cores cache shared memory only with CPUECTLR_EL1.SMPEN set, which firmware does where there is firmware. */
3:	mrs	x0, midr_el1
	mov_q	x1, 0x41000000
	and	x2, x0, #0xff000000
	cmp	x1, x2
	b.ne	3f
	ubfx	x0, x0, #4, #12
	sub	x0, x0, #0xd00
	cmp	x0, #9
	b.hi	3f
	mov	x1, #0x39c			/* A34 02, A53 03, A35 04, A57 07, A72 08, A73 09 */
	lsr	x1, x1, x0
	tbz	x1, #0, 3f
	mrs	x0, SYS_CPUECTLR_EL1
	orr	x0, x0, #BIT(6)
	msr	SYS_CPUECTLR_EL1, x0
	isb
3:	skip_unless x10, 8, 1, 4f, x2		/* EL2 is there: go to it, else straight to EL1 */
	mov_q	x0, SCTLR_EL2_OFF
	msr	sctlr_el2, x0
	mov_q	x0, HCR_RW
	msr	hcr_el2, x0
	mov	x0, #SPSR_EL2H_MASKED
	adr	x1, .Lat_el2
	b	5f
4:	mov_q	x0, SCTLR_EL1_OFF
	msr	sctlr_el1, x0
	mov	x0, #SPSR_EL1H_MASKED
	adr	x1, .Lat_el1
5:	msr	spsr_el3, x0
	msr	elr_el3, x1
	isb
	eret

.Lat_el2:
	mov	x0, #0
	mov	sp, x0
	adr	x0, early_vectors
	msr	vbar_el2, x0
	mrs	x26, hcr_el2
	mov_q	x0, HCR_E2H
	and	x9, x26, x0			/* x9 := E2H as it was found */
	mov_q	x0, HCR_RW
	orr	x0, x0, x9
	mrs	x1, SYS_ID_AA64ISAR2_EL1
	mov_q	x2, GENMASK(11, 4) | GENMASK(31, 24)
	tst	x15, x2
	b.ne	1f
	mov_q	x2, GENMASK(15, 8)
	tst	x1, x2
	b.eq	2f
1:	mov_q	x2, HCR_APK | HCR_API
	orr	x0, x0, x2
2:	skip_unless x11, 8, 2, 3f, x2
	mov_q	x2, HCR_ATA
	orr	x0, x0, x2
3:	msr	hcr_el2, x0
	isb
	/* Where E2H cannot be 0 it may still read so. It is 1 if writing FAR_EL2 changes what FAR_EL1 names. */
	mov	x1, #1
	mov	x2, #2
	msr	far_el1, x1
	msr	far_el2, x2
	isb
	mrs	x3, far_el1
	cmp	x3, x2
	b.ne	4f
	mov_q	x9, HCR_E2H
	orr	x0, x0, x9
	msr	hcr_el2, x0
	isb
4:	msr	far_el2, xzr

	mov_q	x0, SCTLR_EL1_OFF
	mov_q	x1, 0x33ff			/* CPTR_EL2, E2H 0: RES1, TZ and TSM cleared below */
	cbz	x9, 1f
	msr	SYS_SCTLR_EL12, x0
	skip_unless x11, 44, 1, 3f, x2
	msr	SYS_GCSCR_EL12, xzr
3:	mov_q	x1, UL(3) << 20			/* CPTR_EL2, E2H 1: FPEN */
	mov	x2, #(3 << 10)			/* CNTHCTL_EL2, E2H 1: EL1PCTEN, EL1PTEN */
	skip_unless x10, 32, 1, 4f, x3
	orr	x1, x1, #(3 << 16)		/* ZEN */
4:	skip_unless x11, 24, 1, 2f, x3
	orr	x1, x1, #(3 << 24)		/* SMEN */
	b	2f
1:	msr	sctlr_el1, x0
	skip_unless x11, 44, 1, 3f, x2
	msr	SYS_GCSCR_EL1, xzr
3:	mov	x2, #3				/* CNTHCTL_EL2, E2H 0: EL1PCTEN, EL1PCEN */
	skip_unless x10, 32, 1, 4f, x3
	bic	x1, x1, #BIT(8)			/* TZ */
4:	skip_unless x11, 24, 1, 2f, x3
	bic	x1, x1, #BIT(12)		/* TSM */
2:	msr	cptr_el2, x1
	msr	cnthctl_el2, x2
	msr	cntvoff_el2, xzr
	isb
	mov	x1, #0xf
	skip_unless x10, 32, 1, 5f, x2
	msr	SYS_ZCR_EL2, x1
5:	skip_unless x11, 24, 1, 6f, x2
	smcr_value x1, x2, x3
	msr	SYS_SMCR_EL2, x1
6:	mrs	x0, midr_el1
	msr	vpidr_el2, x0
	mrs	x0, mpidr_el1
	msr	vmpidr_el2, x0
	msr	vttbr_el2, xzr
	msr	hstr_el2, xzr

	mov	x0, #0				/* MDCR_EL2: every counter is EL1's, buffers and debug too */
	ubfx	x2, x16, #8, #4
	cbz	x2, 7f
	cmp	x2, #0xf
	b.eq	7f
	mrs	x0, SYS_PMCR_EL0
	ubfx	x0, x0, #11, #5			/* HPMN := PMCR.N */
7:	skip_unless x16, 32, 1, 8f, x2
	orr	x0, x0, #(BIT(12) | BIT(13))	/* E2PB */
8:	skip_unless x16, 44, 1, 9f, x2
	orr	x0, x0, #(BIT(24) | BIT(25))	/* E2TB */
9:	msr	mdcr_el2, x0

	skip_unless x10, 24, 1, 1f, x2		/* GIC system registers: SRE and Enable, if EL3 lets us */
	mrs	x0, SYS_ICC_SRE_EL2
	orr	x0, x0, #BIT(0)
	orr	x0, x0, #BIT(3)
	msr	SYS_ICC_SRE_EL2, x0
	isb
	mrs	x0, SYS_ICC_SRE_EL2
	tbz	x0, #0, 1f
	msr	SYS_ICH_HCR_EL2, xzr

1:	skip_unless x11, 44, 1, 2f, x2
	msr	SYS_GCSCR_EL2, xzr
2:	skip_unless x16, 52, 1, 3f, x2		/* BRBE: cycle counts and mispredictions of EL1 are recorded (CC, MPRED) */
	mov	x0, #(3 << 3)
	msr	SYS_BRBCR_EL2, x0
3:	skip_unless x13, 40, 1, 5f, x2		/* HCRX_EL2: what EL1 may use */
	mov	x0, #0
	skip_unless x14, 0, 1, 2f, x2
	orr	x0, x0, #BIT(14)		/* TCR2En */
2:	skip_unless x14, 4, 1, 3f, x2
	orr	x0, x0, #BIT(15)		/* SCTLR2En */
3:	mrs	x1, SYS_ID_AA64ISAR2_EL1
	skip_unless x1, 16, 1, 4f, x2
	orr	x0, x0, #BIT(11)		/* MSCEn; MCE2 stays 0, EL2 handles none */
4:	skip_unless x11, 44, 1, 4f, x2
	orr	x0, x0, #BIT(22)		/* GCSEn */
4:	skip_unless x15, 60, 1, 4f, x2
	orr	x0, x0, #BIT(1)			/* EnALS */
	skip_unless x15, 60, 2, 4f, x2
	orr	x0, x0, #BIT(2)			/* EnASR */
	skip_unless x15, 60, 3, 4f, x2
	orr	x0, x0, #BIT(0)			/* EnAS0 */
4:	msr	SYS_HCRX_EL2, x0

5:	skip_unless x12, 56, 1, .Lfgt_done, x2	/* fine-grained traps: none of what is there; names with n trap when 0 */
	mov	x0, #0
	mov	x1, #0
	skip_unless x16, 52, 1, 6f, x2		/* BRBE: nBRBDATA, nBRBCTL, nBRBIDR */
	orr	x0, x0, #(UL(7) << 59)
6:	skip_unless x16, 32, 3, 7f, x2
	orr	x0, x0, #BIT(62)		/* nPMSNEVFR_EL1 */
7:	msr	SYS_HDFGRTR_EL2, x0
	bic	x0, x0, #BIT(59)		/* nBRBIDR exists for reads only */
	msr	SYS_HDFGWTR_EL2, x0
	skip_unless x15, 60, 3, 7f, x2
	orr	x1, x1, #BIT(50)		/* nACCDATA_EL1 */
7:	skip_unless x11, 44, 1, 8f, x2
	orr	x1, x1, #(UL(3) << 52)		/* nGCS_EL0, nGCS_EL1 */
8:	skip_unless x11, 24, 1, 9f, x2
	orr	x1, x1, #(UL(3) << 54)		/* nSMPRI_EL1, nTPIDR2_EL0 */
9:	skip_unless x14, 8, 1, 1f, x2
	orr	x1, x1, #(UL(3) << 57)		/* nPIRE0_EL1, nPIR_EL1 */
1:	skip_unless x14, 16, 1, 2f, x2
	orr	x1, x1, #(UL(3) << 59)		/* nPOR_EL0, nPOR_EL1 */
2:	msr	SYS_HFGRTR_EL2, x1
	msr	SYS_HFGWTR_EL2, x1
	mov	x0, #0
	skip_unless x16, 52, 1, 2f, x2
	orr	x0, x0, #(UL(3) << 55)		/* nBRBINJ, nBRBIALL */
2:	skip_unless x11, 44, 1, 3f, x2
	orr	x0, x0, #(UL(7) << 57)		/* nGCSPUSHM_EL1, nGCSSTR_EL1, nGCSEPP */
3:	msr	SYS_HFGITR_EL2, x0
	skip_unless x10, 44, 1, 4f, x2		/* activity monitors */
	msr	SYS_HAFGRTR_EL2, xzr
4:	skip_unless x12, 56, 2, .Lfgt_done, x2	/* FGT2 */
	msr	SYS_HFGRTR2_EL2, xzr
	msr	SYS_HFGWTR2_EL2, xzr
	msr	SYS_HFGITR2_EL2, xzr
	mov	x0, #0
	ubfx	x2, x16, #8, #4
	cmp	x2, #9
	b.lo	5f
	cmp	x2, #0xf
	b.eq	5f
	mov	x0, #(UL(7) << 2)		/* nPMICNTR_EL0, nPMICFILTR_EL0, nPMUACR_EL1 */
5:	skip_unless x16, 32, 1, 6f, x2		/* SPE: nPMSDSFR_EL1 */
	orr	x0, x0, #BIT(19)
6:	msr	SYS_HDFGRTR2_EL2, x0
	msr	SYS_HDFGWTR2_EL2, x0
.Lfgt_done:
	mrs	x0, SYS_ID_AA64PFR2_EL1		/* GICv5's registers and instructions do not trap */
	skip_unless x0, 12, 1, 7f, x2
	mov	x0, #GENMASK(10, 0)
	msr	SYS_ICH_HFGITR_EL2, x0
	mov_q	x0, GENMASK(20, 16) | GENMASK(7, 0)
	msr	SYS_ICH_HFGRTR_EL2, x0
	mov_q	x0, GENMASK(20, 17) | BIT(6) | BIT(5) | BIT(2) | BIT(0)
	msr	SYS_ICH_HFGWTR_EL2, x0
7:
	mov	x0, #SPSR_EL1H_MASKED
	msr	spsr_el2, x0
	adr	x0, .Lat_el1
	msr	elr_el2, x0
	isb
	eret

.Lat_el1:
	mov	x0, #0
	mov	sp, x0
	adr	x0, early_vectors
	msr	vbar_el1, x0
	isb
	mrs	x19, cntvct_el0
	ret	x17
ENDFUNC drop_to_el1

/*
 * The entries of one level's tables that cover a range. Tables of one level lie one behind the other, so indices count on from the
 * first of them.
 *	vstart, vend: first and last byte of the range, virtual; preserved
 *	shift, bits: what one entry spans, and how many bits select one in a table
 *	istart, iend: Returns the first and last index, relative to the first table
 *	count: in, how many further tables this level has; Returns the same for the next level
 */
	.macro	compute_indices, vstart, vend, shift, bits, istart, iend, count
	ubfx	\istart, \vend, #(\shift), #(\bits)
	add	\iend, \istart, \count, lsl #(\bits)
	ubfx	\istart, \vstart, #(\shift), #(\bits)
	sub	\count, \iend, \istart
	.endm

/*
 * Fill entries.
 *	tbl: the first table; preserved
 *	pa: what the first entry points to; Returns what the one behind the last would
 *	index, iend: first and last index; index is corrupted
 *	flags: or-ed into each entry; step: bytes an entry advances pa by; tmp: corrupted
 */
	.macro	populate_entries, tbl, pa, index, iend, flags, step, tmp
.Lfill\@:
	orr	\tmp, \pa, \flags
	str	\tmp, [\tbl, \index, lsl #3]
	add	\pa, \pa, \step
	add	\index, \index, #1
	cmp	\index, \iend
	b.ls	.Lfill\@
	.endm

/*
 * Map a range with pages, in tables that lie behind the root in the order they are needed.
 *	tbl: the root; Returns the first table of level 3
 *	vstart, vend: first and last byte, virtual; preserved
 *	pa: physical address of vstart's page; corrupted
 *	flags: of each page; preserved
 *	Corrupts next, first, index, iend, count, tmp, step.
 */
	.macro	map_memory, tbl, vstart, vend, pa, flags, next, first, index, iend, count, tmp, step
	mov	\step, #PAGE_SIZE
	add	\next, \tbl, \step
	mov	\count, #0
	.irp	level, 0, 1, 2
	.if	\level >= FIRST_LEVEL
	compute_indices \vstart, \vend, LEVEL_SHIFT(\level), TABLE_SHIFT, \index, \iend, \count
	mov	\first, \next
	populate_entries \tbl, \next, \index, \iend, #PTE_TYPE_TABLE, \step, \tmp
	mov	\tbl, \first
	.endif
	.endr
	compute_indices \vstart, \vend, PAGE_SHIFT, TABLE_SHIFT, \index, \iend, \count
	populate_entries \tbl, \pa, \index, \iend, \flags, \step, \tmp
	.endm

/*
 * The identity map: text read-execute, the rest of the image read-write, and behind the image a window of two pages with the start
 * of the device tree, read-only. The image may lie beyond VA_BITS: then one more level goes on top.
 * Inputs: x20 := device tree
 * Outputs: x27 := window address of the tree's page or 0, x28 := address bits the idmap resolves. Clobbers: x0..x17
 */
LOCAL_FUNC create_idmap
	mov	x17, lr
	adr	x0, init_idmap_pg_dir
	adr	x1, _head
	adr_l	x2, _end
	mov	x27, x2				/* x27 := window */
	add	x2, x2, #(2 * PAGE_SIZE)
	sub	x2, x2, #1
	mov	x3, x1
	mov_q	x4, PROT_RW | PTE_TYPE_PAGE
	map_memory x0, x1, x2, x3, x4, x5, x6, x7, x8, x10, x11, x12
	adr	x2, __inittext_end
	sub	x2, x2, #1
	mov	x3, x1
	mov_q	x4, PROT_ROX | PTE_TYPE_PAGE
	bl	remap_region

	/* The window: the page of the first 8 bytes, or two where those cross. What cannot be a tree's address is not mapped. */
	mov	x1, x27
	add	x2, x1, #(2 * PAGE_SIZE)
	sub	x2, x2, #1
	mov	x3, #0
	mov	x4, #0				/* an entry that is just an address is invalid */
	bl	remap_region
	mov	x27, #0
	cbz	x20, 2f
	tst	x20, #3
	b.ne	2f
	mrs	x6, id_aa64mmfr0_el1
	pa_bits	x6, x7, x5
	adds	x5, x20, #7
	b.cs	2f
	lsr	x5, x5, x7
	cbnz	x5, 2f
	mov	x27, x1
	and	x2, x20, #(PAGE_SIZE - 1)
	add	x2, x2, x27
	add	x2, x2, #7
	and	x3, x20, #PAGE_MASK
	mov_q	x4, PROT_RO | PTE_TYPE_PAGE
	bl	remap_region
2:
	mov	x28, #VA_BITS
	.if	VA_BITS < IDMAP_BITS_MAX
	adr_l	x1, _end
	add	x1, x1, #(2 * PAGE_SIZE)
	sub	x1, x1, #1			/* the last byte */
	lsr	x2, x1, #VA_BITS
	cbz	x2, 3f
	mov	x28, #IDMAP_BITS_MAX
	adr	x0, init_idmap_extra
	adr	x3, init_idmap_pg_dir
	orr	x3, x3, #PTE_TYPE_TABLE
	str	x3, [x0, x2, lsl #3]
3:
	.endif
	ret	x17
ENDFUNC create_idmap

/* The image at the address it was linked for: text read-execute, the rest read-write. Clobbers: x0..x17 */
LOCAL_FUNC create_kernel_map
	mov	x17, lr
	adr	x0, init_pg_dir
	mov_q	x1, KIMAGE_VADDR
	adr	x13, _head			/* x13 := physical address of the image */
	sub	x14, x1, x13			/* x14 := virtual minus physical */
	adr_l	x2, _end
	add	x2, x2, x14
	sub	x2, x2, #1
	mov	x3, x13
	mov_q	x4, PROT_RW | PTE_TYPE_PAGE
	map_memory x0, x1, x2, x3, x4, x5, x6, x7, x8, x10, x11, x12
	adr	x2, __inittext_end
	add	x2, x2, x14
	sub	x2, x2, #1
	mov	x3, x13
	mov_q	x4, PROT_ROX | PTE_TYPE_PAGE
	bl	remap_region
	/* The guards below the stacks are not mapped; an entry that is just an address is invalid. */
	mov	x4, #0
	adr	x1, exception_stack_guard
	add	x1, x1, x14
	adr	x2, exception_stack
	add	x2, x2, x14
	sub	x2, x2, #1
	mov	x3, #0
	bl	remap_region
	adr	x1, init_stack_guard
	add	x1, x1, x14
	adr	x2, init_stack
	add	x2, x2, x14
	sub	x2, x2, #1
	mov	x3, #0
	bl	remap_region
	ret	x17
ENDFUNC create_kernel_map

/*
 * Registers the walker and the kernel depend on, none left as found. The tables are complete in memory (DSB in dcache_clean_inval_poc).
 * Inputs: x28 := address bits of the idmap. Outputs: x0 := value for SCTLR_EL1. Clobbers: x1..x5
 */
LOCAL_FUNC cpu_setup
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	msr	cpacr_el1, xzr			/* FP traps: the kernel has none */
	msr	mdscr_el1, xzr
	msr	cntkctl_el1, xzr
	msr	contextidr_el1, xzr
	msr	amair_el1, xzr
	mrs	x1, id_aa64dfr0_el1
	ubfx	x2, x1, #8, #4
	cbz	x2, 1f
	cmp	x2, #0xf
	b.eq	1f
	msr	SYS_PMUSERENR_EL0, xzr
1:	mrs	x1, SYS_ID_AA64MMFR3_EL1
	ubfx	x2, x1, #0, #4
	cbz	x2, 2f
	msr	SYS_TCR2_EL1, xzr
2:	ubfx	x2, x1, #4, #4
	cbz	x2, 3f
	msr	SYS_SCTLR2_EL1, xzr
3:	mrs	x1, id_aa64pfr1_el1
	ubfx	x2, x1, #44, #4
	cbz	x2, 4f
	msr	SYS_GCSCR_EL1, xzr
	msr	SYS_GCSCRE0_EL1, xzr
4:	mov_q	x1, MAIR_VALUE
	msr	mair_el1, x1
	mrs	x1, id_aa64mmfr0_el1
	and	x1, x1, #0xf
	cmp	x1, #PARANGE_48
	b.ls	5f
	mov	x1, #PARANGE_48
5:	mov_q	x2, TCR_WALKS | TCR_TG0 | TCR_TG1 | TCR_T1SZ(VA_BITS)
	orr	x2, x2, x1, lsl #TCR_IPS_SHIFT
	mov	x3, #64
	sub	x3, x3, x28
	orr	x2, x2, x3			/* T0SZ */
	msr	tcr_el1, x2
	mov_q	x0, SCTLR_EL1_ON
	ret
ENDFUNC cpu_setup

/* From here to primary_switched all goes to the image's first page, as the beginning did: the one that is in the permanent idmap. */
	.section ".idmap.text", "ax"
/*
 * Translation on, and on to the address the kernel was linked for.
 * Inputs: x0 := SCTLR_EL1, x28 := address bits of the idmap
 */
LOCAL_FUNC enable_mmu
	adr	x1, init_idmap_pg_dir
	.if	VA_BITS < IDMAP_BITS_MAX
	cmp	x28, #VA_BITS
	b.eq	1f
	adr	x1, init_idmap_extra
1:
	.endif
	adr	x2, init_pg_dir
	msr	ttbr0_el1, x1
	msr	ttbr1_el1, x2
	adr	x3, primary_switched
	adr	x4, _head
	sub	x3, x3, x4
	mov_q	x5, KIMAGE_VADDR
	add	x3, x3, x5			/* x3 := virtual address of primary_switched */
	isb
	msr	sctlr_el1, x0
	isb
	/* What was fetched with translation off must not run on. */
	ic	iallu
	dsb	nsh
	isb
	br	x3
ENDFUNC enable_mmu

/*
 * Put TTBR1 to another root while running on the permanent idmap: no entry of the old map may be in use, nor in the TLB, when the new
 * one comes (Arm ARM D8.16.1: break-before-make; the reserved TTBR1 value is the empty table).
 * Inputs: x0 := new root, x1 := an empty root (both physical); called at its physical address, interrupts masked
 * Clobbers: x2, x3
 */
FUNC idmap_replace_ttbr1
	mrs	x2, vbar_el1
	adr	x3, early_vectors		/* in this page, so that an exception does not loop on its own fetch */
	msr	vbar_el1, x3
	msr	ttbr1_el1, x1
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	msr	ttbr1_el1, x0
	msr	vbar_el1, x2
	isb
	ret
ENDFUNC idmap_replace_ttbr1

/*
 * bool maps_itself(u64 address): is x0 what x0 is translated to, at this EL? With the MMU off it is. No stack.
 * Outputs: w0, and Z set if it is. Clobbers: x1, x2
 */
FUNC maps_itself
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.eq	2f
	b.hi	3f
	at	s1e1r, x0
	b	4f
2:	at	s1e2r, x0
	b	4f
3:	at	s1e3r, x0
4:	isb
	dmb	sy				/* Cortex-A77 erratum 1508412 */
	mrs	x1, par_el1
	dmb	sy
	ubfx	x2, x1, #12, #36
	and	x1, x1, #1			/* F: it is not translated */
	cmp	x2, x0, lsr #12
	ccmp	x1, #0, #0, eq
	cset	w0, eq
	ret
ENDFUNC maps_itself

/*
 * Why this CPU stops, on a console that is looked for; with the MMU off, which it is if that is possible. Called at the image's physical
 * address; nothing is left that the kernel could go on with.
 * Inputs: x0 := reason, x1..x3 := values; until the handover is written down x20 := device tree
 */
FUNC early_dead_end
	mov_q	x5, DEAD_END			/* until there is a stack an exception is not worth another try */
	mov	x21, x0
	mov	x22, x1
	mov	x23, x2
	mov	x24, x3
	msr	daifset, #0xf
	adr	x0, early_dead_end
	bl	maps_itself
	b.ne	1f
	write_sctlr_off x0, x1
1:	isb
	b	say_dead_end
ENDFUNC early_dead_end

/*
 * Any EL. On an early stack it is early/console.c that ran, and what it probes may fault. No such stack is where SP is 0, or the kernel's.
 * TPIDR_EL0 is free: it keeps x0 meanwhile.
 */
LOCAL_FUNC early_exception
	msr	tpidr_el0, x0
	mrs	x0, CurrentEL
	cmp	x0, #(2 << 2)
	b.ne	1f
	mrs	x0, spsr_el2
	tbz	x0, #3, hand_down_to_el1
1:	mov	x0, sp
	sub	x0, x0, #1
	tbnz	x0, #63, 2f
	b	early_fixup
2:	mov_q	x4, DEAD_END
	mov	x0, x21				/* x0 := the reason that was to be said */
	cmp	x4, x5
	b.eq	stop_cpu
	/* x1 := ESR, x2 := ELR, x3 := FAR */
.Lexception_dead_end:
	mov	x0, #BOOT_EXCEPTION
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.eq	2f
	b.hi	3f
	mrs	x1, esr_el1
	mrs	x2, elr_el1
	mrs	x3, far_el1
	b	early_dead_end
2:	mrs	x1, esr_el2
	mrs	x2, elr_el2
	mrs	x3, far_el2
	b	early_dead_end
3:	mrs	x1, esr_el3
	mrs	x2, elr_el3
	mrs	x3, far_el3
	b	early_dead_end
ENDFUNC early_exception

/* For good. Whatever is in registers stays there. */
FUNC stop_cpu
	wfe
	wfi
	b	stop_cpu
ENDFUNC stop_cpu

/* Inputs: x0 := SPSR_EL2. Outputs: x1 := EL1's vectors. Corrupts x0 */
	.macro	hand_down, spsr, elr, esr, far, vbar
	msr	\spsr, x0
	mrs	x0, elr_el2
	msr	\elr, x0
	mrs	x0, esr_el2
	msr	\esr, x0
	mrs	x0, far_el2
	msr	\far, x0
	mrs	x1, \vbar
	.endm

/*
 * EL1 has called up, or does what was not to trap. Nobody is at home in EL2, so it is EL1's own exception, and EL1 says what it was.
 * Inputs: x0 := SPSR_EL2, TPIDR_EL0 := x0
 */
LOCAL_FUNC hand_down_to_el1
	msr	tpidr_el2, x1
	mrs	x1, hcr_el2
	tbnz	x1, #HCR_E2H_BIT, 1f
	hand_down spsr_el1, elr_el1, esr_el1, far_el1, vbar_el1
	b	2f
1:	hand_down SYS_SPSR_EL12, SYS_ELR_EL12, SYS_ESR_EL12, SYS_FAR_EL12, SYS_VBAR_EL12
2:	mrs	x0, spsr_el2
	tbz	x0, #0, 3f			/* it ran on SP_EL0 */
	add	x1, x1, #0x200
3:	msr	elr_el2, x1
	mov	x0, #SPSR_EL1H_MASKED
	msr	spsr_el2, x0
	mrs	x0, tpidr_el0
	mrs	x1, tpidr_el2
	eret
ENDFUNC hand_down_to_el1

/* As early_dead_end, with the MMU off. Inputs: x21 := reason, x22..x24 := values, x20 := device tree */
LOCAL_FUNC say_dead_end
	bl	store_status
	/* What this and other CPUs have in their caches goes to memory. */
	adr	x0, _head
	adr_l	x1, _end
	bl	dcache_clean_inval_poc
	bl	store_status
	/* Compilers take it that an offset within a page stays what it was in the link. Where it does not, a copy in the brk area goes on. */
	adr	x0, _head
	tst	x0, #(PAGE_SIZE - 1)
	b.eq	2f
	adr	x1, __brk_start + PAGE_SIZE
	and	x1, x1, #PAGE_MASK
	sub	x4, x1, x0			/* x4 := how far it goes */
	adr	x8, _head
	adr	x6, _edata
1:	ldr	w2, [x8], #4			/* it may lie at 4 modulo 8 */
	str	w2, [x1], #4
	cmp	x8, x6
	b.lo	1b
	adr	x8, 2f
	add	x4, x4, x8
	dsb	sy
	ic	iallu
	dsb	nsh
	isb
	br	x4
2:	bl	store_status
	adr	x4, early_vectors
	write_here vbar, x4, x1
	isb
	msr	spsel, #1
	/* The kernel keeps the tree's address where its own code may be what failed. */
	adr	x4, handover
	ldr	x0, [x4, #HANDOVER_EL]
	cbz	x0, 3f
	ldr	x20, [x4, #HANDOVER_TREE]
3:	adr	x0, init_stack_end
	bl	take_early_stack
	mov	x0, x21
	mov	x1, x22
	mov	x2, x23
	mov	x3, x24
	mov	x4, x20
	bl	early_report
ENDFUNC say_dead_end
LOCAL_FUNC stop_with_reason
	adr	x4, boot_status
	ldr	x0, [x4, #STATUS_REASON]
	ldp	x1, x2, [x4, #STATUS_VALUES]
	ldr	x3, [x4, #STATUS_VALUES + 16]
	b	stop_cpu
ENDFUNC stop_with_reason

/* Stop this CPU for good, with the reason where README says it is. Inputs: x0 := reason, x1..x3 := values */
FUNC boot_dead_end
	mov_q	x5, DEAD_END			/* an exception from here on is not worth another try */
	mov	x21, x0
	mov	x22, x1
	mov	x23, x2
	mov	x24, x3
	bl	store_status
	b	stop_cpu
ENDFUNC boot_dead_end

/* In boot_status, and there in memory. Inputs: x21 := reason, x22..x24 := values. Clobbers: x4 */
LOCAL_FUNC store_status
	adr	x4, boot_status
	tst	x4, #7				/* then only the copy has it */
	b.ne	1f
	str	x21, [x4, #STATUS_REASON]
	stp	x22, x23, [x4, #STATUS_VALUES]
	str	x24, [x4, #STATUS_VALUES + 16]
	dmb	sy				/* stores past the caches come first */
	dc	civac, x4			/* not CVAC: Cortex-A53 errata 819472 and its kin */
	dsb	sy
1:	ret
ENDFUNC store_status

/* u64 sum_words(start, end). Inputs: x0 := start, x1 := end. Outputs: x0 := sum. Clobbers: x2..x5 */
FUNC sum_words
	mov	x2, #0
	mov_q	x3, SUM_FACTOR
1:	.rept	8
	ldp	x4, x5, [x0], #16
	madd	x2, x2, x3, x4			/* that it waits for x4 keeps Cortex-A53 erratum 835769 away */
	madd	x2, x2, x3, x5
	.endr
	cmp	x0, x1
	b.lo	1b
	mov	x0, x2
	ret
ENDFUNC sum_words

/* A stack for C with the MMU off: no line of it may be in a cache. Inputs: x0 := its end. Clobbers: x0..x3 */
LOCAL_FUNC take_early_stack
	msr	tpidrro_el0, xzr		/* no fault on it so far */
	mov	sp, x0
	mov	x1, x0
	sub	x0, x0, #EARLY_STACK_SIZE
	b	dcache_clean_inval_poc
ENDFUNC take_early_stack

/* Store (stp) or load (ldp) what a call may change, but x0 and x1, at sp. */
	.macro	x2_to_x18_lr, insn
	x2_to_x17 \insn
	\insn	x18, lr, [sp, #16 * 9]
	.endm

/* A fault in C, with the MMU off: what is probed may, and the next one is the end. Inputs: TPIDR_EL0 := x0 */
LOCAL_FUNC early_fixup
	mrs	x0, tpidrro_el0
	cbnz	x0, 1f
	sub	sp, sp, #160
	mrs	x0, tpidr_el0
	stp	x0, x1, [sp]
	mov	x0, #1
	msr	tpidrro_el0, x0
	x2_to_x18_lr stp
	read_here x0, elr, x1
	mov	w1, #0
	bl	extable_fixup
	cbz	x0, 1f
	write_here elr, x0, x1
	msr	tpidrro_el0, xzr
	x2_to_x18_lr ldp
	ldp	x0, x1, [sp], #160
	eret
	/* In the middle of a report: the reason for that stays. */
1:	adr	x4, boot_status
	ldr	x0, [x4, #STATUS_REASON]
	cbnz	x0, stop_with_reason
	mov	x0, #0
	mov	sp, x0
	b	.Lexception_dead_end
ENDFUNC early_fixup

/*
 * Map a range again in the level 3 table map_memory made for it, with other rights or another address.
 * Inputs: x0 := table, x1 := first byte, x2 := last byte (virtual), x3 := physical address, x4 := flags
 * Clobbers: x3, x5..x9
 */
LOCAL_FUNC remap_region
	mov	x9, #PAGE_SIZE
	mov	x7, #0
	compute_indices x1, x2, PAGE_SHIFT, TABLE_SHIFT, x5, x6, x7
	populate_entries x0, x3, x5, x6, x4, x9, x8
	ret
ENDFUNC remap_region

/*
 * Before a table is written for it: does this CPU have the granule, and does it reach the image? (ID_AA64MMFR0_EL1)
 * Clobbers: x0..x4
 */
LOCAL_FUNC check_cpu
	mrs	x1, id_aa64mmfr0_el1
	ubfx	x2, x1, #TGRAN_SHIFT, #4
	mov	x0, #BOOT_NO_GRANULE
	cmp	x2, #TGRAN_MIN
	b.lo	early_dead_end
	cmp	x2, #TGRAN_MAX
	b.hi	early_dead_end
	pa_bits	x1, x2, x3			/* x2 := physical address bits, 48 at most */
	adr_l	x1, _end
	sub	x1, x1, #1
	lsr	x3, x1, x2
	mov	x0, #BOOT_IMAGE_TOO_HIGH
	cbnz	x3, early_dead_end
	ret
ENDFUNC check_cpu

/* Zero the early tables, past the caches. Clobbers: x0, x1 */
LOCAL_FUNC clear_early_tables
	adr	x0, __early_tables_start
	adr	x1, __early_tables_end
1:	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	ret
ENDFUNC clear_early_tables

	.text
/*
 * At the kernel's own addresses. Everything is written through the caches from here on.
 * Inputs: x19..x27 as listed on top
 */
LOCAL_FUNC primary_switched
	msr	spsel, #1
	adr	x0, exception_stack_end
	mov	sp, x0
	msr	spsel, #0
	adr	x0, init_stack_end
	mov	sp, x0
	adr	x0, vectors
	msr	vbar_el1, x0
	adr	x0, boot_cpu
	msr	tpidr_el1, x0
	msr	tpidrro_el0, xzr		/* no exception stack was too small so far */
	isb
	adr	x0, handover
	stp	x29, x21, [x0, #HANDOVER_ARGS]
	str	x20, [x0, #HANDOVER_TREE]
	stp	x22, x23, [x0, #HANDOVER_ARGS + 16]
	and	x1, x24, #3
	bic	x2, x24, #3
	str	x1, [x0, #HANDOVER_EL]
	str	x25, [x0, #HANDOVER_SCTLR]
	str	x2, [x0, #HANDOVER_DAIF]
	str	x26, [x0, #HANDOVER_HCR]
	str	x19, [x0, #HANDOVER_TIME]
	adr	x1, _head
	mrs	x2, ttbr1_el1			/* x2 := physical address of init_pg_dir */
	adr	x3, init_pg_dir
	sub	x3, x3, x2			/* x3 := virtual minus physical */
	sub	x2, x1, x3
	str	x2, [x0, #HANDOVER_IMAGE]
	str	x27, [x0, #HANDOVER_WINDOW]
	adr	x0, kimage_voffset
	str	x3, [x0]

	mov	x29, #0
	mov	x30, #0
	bl	check_handover
	adr	x0, __bss_start
	mov	w1, #0
	adr	x2, __bss_stop
	sub	x2, x2, x0
	bl	memset
	bl	relocate_kernel
	bl	start_kernel
ENDFUNC primary_switched

/* Exceptions before the kernel's own vectors, at any EL: leave the syndrome where it can be found. */
	.macro	early_vector, label
	.balign	128
	b	\label
	.endm

	.section ".text.early_vectors", "ax"
	.globl	early_vectors
early_vectors:
	.rept	16
	early_vector early_exception
	.endr
