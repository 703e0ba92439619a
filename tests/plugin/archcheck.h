/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * archcheck: a TCG plugin that checks what an emulator without caches and with an eager TLB
 * forgives.
 *
 *   archcheck.c  what QEMU calls: blocks, memory accesses; which state the CPU is in
 *   decode.c     instructions that matter: barriers, DC, IC, TLBI, AT, MSR, MRS, ERET
 *   memory.c     a copy of all memory stored to, and which of its bytes caches may not have
 *   tables.c     the live translation tables: entries new, changed, removed; the registers that
 * rule them report.c     what is found, with symbols
 *
 * Everything counts from the first instruction of an arm64 Image (its header's magic finds it);
 * firmware and loaders before that are not checked, and a second execution by the same CPU starts
 * over: a reboot.
 */
#ifndef ARCHCHECK_H
#define ARCHCHECK_H

#include "qemu.h"

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#define CHUNK 4096 /* memory is kept in pieces of this many bytes, whatever the granule */
#define LINE  64
#define LINES (CHUNK / LINE)

/* --- CPUs ---------------------------------------------------------------------------------------
 */

enum sysreg { SCTLR, TCR, MAIR, TTBR0, TTBR1, NR_SYSREGS };

/* How far an operation that has to be completed is: executed, then a DSB, then an ISB. */
enum done { NOT_DONE, ISSUED, COMPLETED, SYNCHRONIZED };

struct cpu {
	unsigned int id;
	bool ran, entered; /* has executed anything; the Image's header, since its reset */
	u64 reset_pc;      /* of the first block it ran */
	bool unknown;      /* EL or registers may have changed */
	int el;
	bool mmu, cached; /* of the EL it is at */
	u64 reg[NR_SYSREGS], vbar;
	unsigned int unsynchronized; /* registers written at EL1 without a context synchronization
					since */
	u64 written_at[NR_SYSREGS];  /* by the instruction there */
	u64 blocks;                  /* executed */
	u64 orders, dsbs, dc_dsbs; /* barriers so far that order stores; that complete stores; that
				      complete DC to the PoC */
	enum done tlbi_all, ic_all;
	unsigned int dc_line, zva_block; /* bytes, as CTR_EL0 and DCZID_EL0 told the guest */
	unsigned int id_reg,
		id_target; /* an MRS of one of them that was just executed, and its Xt */
	void *x[31], *cpsr, *sysregs[NR_SYSREGS], *vbar_el1, *sctlr_el2, *sctlr_el3;
};

u64 cpu_x(struct cpu *cpu, unsigned int n);
/* Read EL and registers anew. */
void cpu_refresh(struct cpu *cpu);
struct cpu *cpu_next(const struct cpu *cpu); /* cpu NULL: the first */

static inline bool at_el1(const struct cpu *cpu)
{
	return cpu->el <= 1;
}

/* --- memory.c -----------------------------------------------------------------------------------
 */

/* A line with bytes stored past the caches. */
struct line {
	u64 stored;          /* a bit each byte: later reads through the caches may not see them */
	u64 pc;              /* of the latest such store */
	u64 orders, dc_dsbs; /* of the CPU, at the store; at the DC */
	bool unordered;      /* a DC came, but no DMB or DSB before it */
	bool invalidated;    /* a DC came behind the store */
	u8 cpu;
};

struct chunk {
	u64 pa;
	u8 bytes[CHUNK];
	struct line *lines; /* NULL: nothing was ever stored past the caches */
	/* A bit each line: invalidated and not stored to through the caches since; stored to and
	 * not cleaned. */
	u64 dropped, dirty;
	/* The latest store: whose, at which of its barriers, by what. */
	unsigned int cpu;
	u64 orders, dsbs, pc;
	/* Where in the live tables this is. */
	bool live;
	unsigned int generation;
	int level, half;
	unsigned int word, entries; /* the table's first word here, and how many are */
	u64 va;                     /* that the first of them translates */
};

enum reader { LOAD, FETCH, WALK };

struct chunk *chunk_find(u64 pa);
void memory_reset(void);
void memory_image(u64 base, u64 file_size);
void memory_store(struct cpu *cpu, u64 pa, u64 va, const void *bytes, unsigned int size, u64 pc);
void memory_zero_block(struct cpu *cpu, u64 va, u64 pc);
/* A load with the caches off. */
void memory_load_uncached(u64 pa, u64 pc);
/* A cacheable read of those bytes. */
void memory_read(struct cpu *cpu, enum reader reader, u64 pa, u64 size, u64 pc);
/* Executable memory, so that it can be fetched at any time. */
void memory_fetchable(struct cpu *cpu, u64 pa, u64 size, u64 pc);
/* DC by address: does it invalidate, or only clean? */
void memory_dc(struct cpu *cpu, u64 va, bool invalidates, u64 pc);
bool memory_any_stale(void);
bool memory_word(u64 pa, u64 *value);

/* --- tables.c -----------------------------------------------------------------------------------
 */

struct translation {
	u64 pa, size;
	bool cacheable, executable;
};

void tables_reset(void);
bool tables_translate(const struct cpu *cpu, u64 va, struct translation *to);
/* Is it certain that this faults? With translation off, 48 bits are what a CPU has at most. */
bool tables_unmapped(const struct cpu *cpu, u64 va);
void tables_entry_stored(struct cpu *cpu, const struct chunk *chunk, unsigned int word, u64 old,
			 u64 new, u64 pc);
void tables_used(struct cpu *cpu, u64 va, u64 pc);
void tables_changed(struct cpu *cpu, u64 pc); /* the roots, or whether they count */
/* Does it wait for TLBIs; for those sent to other CPUs too? */
void tables_dsb(struct cpu *cpu, bool full, bool shared);
void tables_isb(struct cpu *cpu, u64 pc, bool instruction);
/* shared: of all CPUs, not only of this one */
void tables_tlbi(struct cpu *cpu, u64 start, u64 last, bool leaf_only, bool shared, u64 pc);
void tables_tlbi_all(struct cpu *cpu, bool shared, u64 pc);
void tables_ic(struct cpu *cpu, u64 pc);
void tables_register_written(struct cpu *cpu, enum sysreg reg, u64 value, u64 pc);
void tables_block(struct cpu *cpu, u64 pc, u32 first_insn);
void tables_exit(void);
unsigned int tables_granule_shift(const struct cpu *cpu, int half);

/* --- decode.c -----------------------------------------------------------------------------------
 */

bool insn_is_isb(u32 insn);
/* Does executing it matter to us? */
bool insn_matters(u32 insn);
bool insn_reads_id(u32 insn);
void insn_execute(struct cpu *cpu, u32 insn, u64 pc);

/* --- report.c -----------------------------------------------------------------------------------
 */

struct counters {
	u64 blocks, stores, uncached_stores, loads, dc, tlbi, dsb, isb, registers, added, removed,
		changed, tables;
};
extern struct counters count;

/* An array with room for n elements of a size; does not fail. */
void *resized(void *array, size_t n, size_t size);
bool report_open(const char *log, const char *map);
u64 report_file_size(void); /* of the Image's file, from the map, or 0 */
void report_image(u64 base);
/* One finding: kind is a word for tests; the text takes printf's formats. */
void report(const char *kind, u64 pc, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
const char *symbol(u64 pc); /* valid for some calls more */
void report_summary(void);

#endif
