/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the first instructions leave behind: the handover record and, when they cannot go on, a
 * reason code. The code is in x0 when the CPU stops in wfe, and in boot_status, whose offset from
 * the start of the Image stands at offset 0x40 of the Image (README: how to read it).
 */
#ifndef ASM_BOOT_H
#define ASM_BOOT_H

#define BOOT_STATUS_MAGIC 0x53544f4f424c4631 /* "1FLBOOTS" in memory */

#define BOOT_RUNNING 0 /* no dead end so far */
#define BOOT_NO_GRANULE                                                                            \
	1 /* this CPU has no translation granule of PAGE_SIZE; x1 = ID_AA64MMFR0_EL1 */
#define BOOT_IMAGE_TOO_HIGH                                                                        \
	2 /* the image lies beyond the CPU's physical addresses or 48 bits; x1 = its last byte */
#define BOOT_MISALIGNED 3 /* not loaded at a multiple of 2 MiB; x1 = its address */
#define BOOT_MMU_ON     4 /* entered with the MMU on, and not mapped 1:1; x1 = SCTLR */
#define BOOT_EXCEPTION                                                                             \
	5 /* exception before the kernel could print, or while one was reported; x1 = ESR, x2 =    \
	     ELR, x3 = FAR of the first */
#define BOOT_PARKED 6 /* a CPU that entered beside the boot CPU; x1 = MPIDR_EL1 */
#define BOOT_STACK  7 /* the exception stack overflowed; x1 = ESR, x2 = ELR, x3 = FAR */
#define BOOT_PANIC                                                                                 \
	8 /* panic(), the text is in the log; x1 = ESR, x2 = ELR, x3 = FAR of the exception that   \
	     led to it, or 0 */
#define BOOT_RUN_BEFORE 9 /* this copy of the image has been entered by this CPU before */

/* In x5 when a CPU has come to its end: whatever that runs into is not reported again. */
#define DEAD_END 0x6465616420656e64

/* Offsets in struct boot_status and struct handover, checked in arch/arm64/early/handover.c. */
#define STATUS_REASON 8
#define STATUS_VALUES 16
#define STATUS_PARKED 64

#define HANDOVER_ARGS   0
#define HANDOVER_EL     32
#define HANDOVER_SCTLR  40
#define HANDOVER_DAIF   48
#define HANDOVER_HCR    56
#define HANDOVER_TIME   64
#define HANDOVER_IMAGE  72
#define HANDOVER_WINDOW 80
#define HANDOVER_TREE   88

/* scripts/link knows it, too. */
#define SUM_FACTOR 1000003

/* The user's own options, at as many bytes from the start of the Image. */
#define BOOT_OPTIONS_SIZE 128

#define EARLY_STACK_SIZE 8192
/* The largest tree that is moved there: what it takes the boot's lists of memory do not have. */
#define BRK_FOR_TREE SZ_256K

#ifndef __ASSEMBLER__
#include <lib/bits.h>
#include <lib/compiler.h>
#include <lib/types.h>

/* Written with the MMU off; 64 bytes, then a line of its own for what other CPUs write. */
struct boot_status {
	u64 magic;
	u64 reason;
	u64 value[6];
	u64 parked; /* MPIDR of a CPU that entered beside the boot CPU, with bit 63 set; 0: none did
		     */
	u64 rescued; /* bytes of the tree that were copied to the brk area, or 0 */
	u64 serror;  /* as handover_serror, where it was taken before */
};
extern struct boot_status boot_status;

/* The state the loader left, recorded by head.S. */
struct handover {
	u64 args[4]; /* x0..x3 */
	u64 el;      /* 1, 2 or 3 */
	u64 sctlr;   /* SCTLR of that EL */
	u64 daif;    /* PSTATE.DAIF as the DAIF register shows it, bits 9:6 */
	u64 hcr;     /* HCR_EL2 as found, when entered at EL2 or through it; else 0 */
	u64 time;    /* CNTVCT_EL0 at entry */
	u64 image;   /* physical address of _text */
	u64 window;  /* idmap address of the page-aligned tree's first page; 0 when x0 cannot be
			mapped */
	u64 tree;    /* physical address of the device tree: x0, or where it was moved to */
};
extern struct handover handover;

/* In the Image's header, filled in by scripts/link and scripts/set-options. A sum of text and
 * constants; a command line of the user's, which ends in NUL. */
extern const u64 image_sum;
extern const char boot_options[BOOT_OPTIONS_SIZE];

/* Those, "" when there are none. Before the MMU is on, too. */
static inline const char *user_options(void)
{
	return boot_options[BOOT_OPTIONS_SIZE - 1] ? "" : boot_options;
}

/* With the MMU off, on whatever console can be found: why the machine stops. */
void early_report(u64 reason, u64 v1, u64 v2, u64 v3, phys_addr_t tree);
/* With the MMU off: copy a misaligned tree, or one that lies where BSS and all behind it will be,
 * to the brk area; returns where it is then. */
phys_addr_t early_rescue_tree(phys_addr_t tree);
/* To be called at its physical address, which is mapped: off with the MMU, then early_report(). */
void early_dead_end(u64 reason, u64 v1, u64 v2, u64 v3) __noreturn;
/* The log is where early_report() gets at it, and tells the reason. */
extern bool log_tells;
/* Is an address what it is translated to, at this EL? With the MMU off it is. */
bool maps_itself(u64 address);

/* Sum of words, each times SUM_FACTOR to the power of its distance from the last one, modulo 2^64.
 * Whole 128 bytes. */
u64 sum_words(const void *start, const void *end);
/* Do text and constants hold what was linked? While init text is there. */
bool image_intact(void);
/* The log says it if not. */
extern bool image_checked;
#define IMAGE_DAMAGED                                                                              \
	"the image is not what was built: something was loaded over it, or it was damaged on the way"

/* Store the reason and up to three values where they are documented, and stop this CPU. Any
 * context. */
void boot_dead_end(u64 reason, u64 v1, u64 v2, u64 v3) __attribute__((noreturn));

/* Let in SErrors (PSTATE.A). Returns the ESR of one that was pending, which is dropped; else 0. */
u64 take_serror(void);

/* Look at x0 and the tree's header through the idmap's window; before BSS is clear. NULL: usable so
 * far, else what is wrong. */
void check_handover(void);
extern const char *handover_fault;
/* ESR of an SError that was pending at entry, or 0. */
extern u64 handover_serror;

/* False until BSS is clear: nothing may be logged before. */
extern bool bss_is_clear;

/* Apply the image's own RELA relocations; before anything that holds an address is read. */
void relocate_kernel(void);
/* How far from where the image was linked its addresses are now. */
extern unsigned long relocated_by;

void start_kernel(void) __attribute__((noreturn));
#endif

#endif
