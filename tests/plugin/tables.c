/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The live translation tables of EL1, followed from TTBR0 and TTBR1 through the copy of memory (Arm
 * ARM D8.2, D8.3), and three lists of what is under way:
 *
 *   new    an entry became valid: DSB, then ISB, and only then may it be used (D8.16, B2.3.9)
 *   stale  an entry was removed or its rights changed, so the TLB may hold the old one: DSB, TLBI,
 * DSB, ISB. Output address, size and memory type change only by way of an invalid entry and all of
 * that (D8.16.1, break-before-make) registers  SCTLR, TCR, MAIR, TTBRn: an ISB before they matter
 * (D19.1.2); code straight behind the write may be fetched with the old and with the new value, be
 * it the ISB itself, so that is no use
 */
#include "archcheck.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define VALID      1ull
#define TABLE      2ull /* at level 3: page */
#define ADDRESS    0x0000fffffffff000ull
#define CONTIGUOUS (1ull << 52)
#define PXN        (1ull << 53)
#define NOT_GLOBAL (1ull << 11)
#define ATTR_INDEX (7ull << 2)

enum stage { WRITTEN, STORED, FLUSHED, FLUSH_DONE };
enum why { REMOVED, RIGHTS, ROOT };

struct stale {
	u64 start, last; /* virtual, inclusive */
	u64 unit;        /* bytes an entry spans; 0: the root's */
	enum stage stage;
	enum why why;
	bool table;  /* an entry that led to a table */
	bool shared; /* its TLBI went to all CPUs */
	unsigned int cpu;
	u64 pc, touched; /* touched: the CPU's blocks when it last got on */
};

struct new_entry {
	u64 start, last;
	bool stored; /* the DSB was there */
	unsigned int cpu;
	u64 pc;
};

static struct stale *stales;
static struct new_entry *news;
static size_t nr_stales, nr_news, room_stales, room_news;

#define APPEND(list, item)                                                                         \
	do {                                                                                       \
		if (nr_##list == room_##list) {                                                    \
			room_##list = 2 * room_##list + 16;                                        \
			list = resized(list, room_##list, sizeof(*list));                          \
		}                                                                                  \
		list[nr_##list++] = (item);                                                        \
	} while (0)
#define REMOVE(list, i) (list[i] = list[--nr_##list])

/* --- geometry
 * -------------------------------------------------------------------------------------- */

struct regime {
	unsigned int granule; /* log2 */
	unsigned int bits;
	int first_level;
	bool on;
	u64 root, base; /* physical; lowest address of the half */
};

unsigned int tables_granule_shift(const struct cpu *cpu, int half)
{
	static const unsigned int tg0[] = {12, 16, 14, 12}, tg1[] = {12, 14, 12, 16};

	return half ? tg1[cpu->reg[TCR] >> 30 & 3] : tg0[cpu->reg[TCR] >> 14 & 3];
}

static unsigned int level_shift(unsigned int granule, int level)
{
	return granule + (granule - 3) * (unsigned int)(3 - level);
}

static struct regime regime_of(const struct cpu *cpu, int half)
{
	u64 tcr = cpu->reg[TCR], ttbr = cpu->reg[half ? TTBR1 : TTBR0];
	struct regime r = {.granule = tables_granule_shift(cpu, half)};

	r.bits = 64 - (unsigned int)(tcr >> (half ? 16 : 0) & 63);
	r.on = !(tcr >> (half ? 23 : 7) & 1) && r.bits > r.granule && r.bits <= 52;
	r.first_level = 3;
	while (r.first_level > 0 && level_shift(r.granule, r.first_level - 1) < r.bits)
		r.first_level--;
	r.root = ttbr & ADDRESS;
	r.base = half && r.bits < 64 ? ~0ull << r.bits : 0;
	return r;
}

static bool is_table(u64 entry, int level)
{
	return level < 3 && (entry & 3) == (VALID | TABLE);
}

static bool is_leaf(u64 entry, int level)
{
	return (entry & 3) == (level == 3 ? VALID | TABLE : VALID);
}

static bool is_valid(u64 entry, int level)
{
	return is_table(entry, level) || is_leaf(entry, level);
}

static u64 table_address(u64 entry, unsigned int granule)
{
	return entry & ADDRESS & ~((1ull << granule) - 1);
}

/* MAIR attribute: Normal, inner write-back or write-through (D19.2.97). */
static bool is_cacheable(const struct cpu *cpu, u64 entry)
{
	u8 attr = (u8)(cpu->reg[MAIR] >> 8 * ((entry & ATTR_INDEX) >> 2));

	return attr >> 4 && (attr & 15) != 4;
}

bool tables_translate(const struct cpu *cpu, u64 va, struct translation *to)
{
	int half = va >> 55 & 1;
	struct regime r;
	u64 table, entry;

	if (!cpu->mmu || !at_el1(cpu)) {
		*to = (struct translation){
			.pa = va, .size = 1, .cacheable = cpu->cached, .executable = true};
		return true;
	}
	r = regime_of(cpu, half);
	if (!r.on || ((va << 8 >> 8) - (r.base << 8 >> 8)) >> r.bits)
		return false;
	table = r.root;
	for (int level = r.first_level; level <= 3; level++) {
		unsigned int shift = level_shift(r.granule, level), bits = r.granule - 3;
		u64 index = va >> shift & ((1ull << bits) - 1);

		if (level == r.first_level)
			index = (va & ~r.base) << 8 >> 8 >> shift;
		if (!memory_word(table + 8 * index, &entry) || !is_valid(entry, level))
			return false;
		if (is_leaf(entry, level)) {
			u64 mask = (1ull << shift) - 1;

			*to = (struct translation){.pa = (entry & ADDRESS & ~mask) | (va & mask),
						   .size = mask + 1,
						   .cacheable = is_cacheable(cpu, entry),
						   .executable = !(entry & PXN)};
			return true;
		}
		table = table_address(entry, r.granule);
	}
	return false;
}

bool tables_unmapped(const struct cpu *cpu, u64 va)
{
	struct translation t;
	u64 entry;

	if (tables_translate(cpu, va, &t))
		return t.pa >> 48;
	/* A loader's tables are not known. */
	return memory_word(regime_of(cpu, va >> 55 & 1).root, &entry);
}

/* --- which memory is live tables
 * ---------------------------------------------------------------------- */

static unsigned int generation;
static struct chunk **live;
static size_t nr_live, room_live;

/* Stores must have got to where the walker looks: an order before the link to a table, a DSB before
 * a root goes live. */
static void check_complete(const struct cpu *cpu, const struct chunk *chunk, bool linked, u64 pc)
{
	if (chunk->cpu != cpu->id)
		return;
	if (linked && chunk->orders == cpu->orders)
		report("link-no-dmb", pc,
		       "table 0x%" PRIx64
		       " gets linked, no DMB or DSB since its last store by %s: the walker may read what was there before",
		       chunk->pa, symbol(chunk->pc));
	if (!linked && chunk->dsbs == cpu->dsbs)
		report("root-no-dsb", pc,
		       "table 0x%" PRIx64 " goes live, no DSB since its last store by %s",
		       chunk->pa, symbol(chunk->pc));
}

struct marking {
	struct cpu *cpu;
	unsigned int granule;
	int half;
	bool linked; /* by an entry of a live table, not with a root */
	u64 pc;
};

static void mark_table(const struct marking *m, u64 table, int level, u64 va, unsigned int entries);

static void mark_entry(const struct marking *m, u64 entry, int level, u64 va)
{
	unsigned int shift = level_shift(m->granule, level);

	if (is_table(entry, level))
		mark_table(m, table_address(entry, m->granule), level + 1, va,
			   1u << (m->granule - 3));
	else if (is_leaf(entry, level) && !m->linked && !(entry & PXN) &&
		 is_cacheable(m->cpu, entry))
		memory_fetchable(m->cpu, entry & ADDRESS & ~((1ull << shift) - 1), 1ull << shift,
				 m->pc);
}

/* A piece of a table of at most CHUNK bytes. */
static void mark_chunk(const struct marking *m, u64 pa, int level, u64 va, unsigned int first,
		       unsigned int entries)
{
	struct chunk *chunk = chunk_find(pa);
	u64 entry;

	if (!chunk || (chunk->live && chunk->generation == generation))
		return;
	if (!chunk->live) {
		count.tables++;
		check_complete(m->cpu, chunk, m->linked, m->pc);
		memory_read(m->cpu, WALK, chunk->pa, CHUNK, m->pc);
	}
	chunk->live = true;
	chunk->generation = generation;
	chunk->level = level;
	chunk->half = m->half;
	chunk->word = pa % CHUNK / 8;
	chunk->entries = entries;
	chunk->va = va + ((u64)first << level_shift(m->granule, level));
	APPEND(live, chunk);
	for (unsigned int i = 0; i < entries; i++) {
		memcpy(&entry, &chunk->bytes[pa % CHUNK + 8 * i], 8);
		if (entry & VALID)
			mark_entry(m, entry, level,
				   chunk->va + ((u64)i << level_shift(m->granule, level)));
	}
}

static void mark_table(const struct marking *m, u64 table, int level, u64 va, unsigned int entries)
{
	for (unsigned int first = 0; first < entries; first += CHUNK / 8)
		mark_chunk(m, table + 8 * first, level, va, first,
			   entries - first < CHUNK / 8 ? entries - first : CHUNK / 8);
}

static unsigned int root_entries(const struct regime *r)
{
	return 1u << (r->bits - level_shift(r->granule, r->first_level));
}

static bool root_is_empty(const struct regime *r)
{
	u64 entry;

	for (unsigned int i = 0; i < root_entries(r); i++)
		if (memory_word(r->root + 8 * i, &entry) && entry & VALID)
			return false;
	return true;
}

/* Follow every root anew. */
void tables_changed(struct cpu *by, u64 pc)
{
	struct chunk **before = live;
	size_t n = nr_live;

	generation++;
	live = NULL;
	nr_live = room_live = 0;
	for (struct cpu *cpu = cpu_next(NULL); cpu; cpu = cpu_next(cpu)) {
		for (int half = 0; half < 2; half++) {
			struct regime r = regime_of(cpu, half);
			struct marking m = {by, r.granule, half, false, pc};

			if (cpu->entered && at_el1(cpu) && cpu->mmu && r.on)
				mark_table(&m, r.root, r.first_level, r.base, root_entries(&r));
		}
	}
	for (size_t i = 0; i < n; i++)
		if (before[i]->generation != generation)
			before[i]->live = false;
	free(before);
}

void tables_reset(void)
{
	nr_live = nr_stales = nr_news = 0;
}

/* --- entries
 * --------------------------------------------------------------------------------------- */

static const char *const stage_lacks[] = {"no DSB", "no TLBI", "no DSB behind its TLBI",
					  "no ISB behind its TLBI and DSB"};
static const char *const stage_kind[] = {"stale-no-dsb", "stale-no-tlbi", "tlbi-no-dsb",
					 "tlbi-no-isb"};
static const char *const why_text[] = {"entry removed", "rights changed", "root replaced"};

static void report_stale(const struct stale *s, const char *event, u64 at)
{
	report(stage_kind[s->stage], s->pc,
	       "%s for 0x%" PRIx64 "-0x%" PRIx64 ", %s before %s at %s", why_text[s->why], s->start,
	       s->last, stage_lacks[s->stage], event, symbol(at));
}

static void add_stale(struct cpu *cpu, u64 va, u64 span, enum why why, bool table, u64 pc)
{
	struct stale *s = nr_stales ? &stales[nr_stales - 1] : NULL;
	struct stale item = {va,    va + span - 1, span,    WRITTEN, why,
			     table, false,         cpu->id, pc,      cpu->blocks};

	if (s && s->stage == WRITTEN && s->unit == span && s->why == why && s->table == table &&
	    s->cpu == cpu->id && s->last + 1 == va) {
		s->last = va + span - 1;
		s->touched = cpu->blocks;
		return;
	}
	APPEND(stales, item);
}

static void add_new(struct cpu *cpu, u64 va, u64 span, u64 pc)
{
	struct new_entry *n = nr_news ? &news[nr_news - 1] : NULL;
	struct new_entry item = {va, va + span - 1, false, cpu->id, pc};

	if (n && !n->stored && n->cpu == cpu->id && n->pc == pc && n->last + 1 == va) {
		n->last = va + span - 1;
		return;
	}
	APPEND(news, item);
}

/* What was there must be gone from the TLB before something else comes. */
static void check_broken(u64 va, u64 span, u64 pc)
{
	for (size_t i = 0; i < nr_stales; i++) {
		struct stale *s = &stales[i];

		if (s->why == ROOT || s->last < va || s->start > va + span - 1)
			continue;
		report_stale(s, "a new entry there", pc);
		REMOVE(stales, i--);
	}
}

static const char *needs_break(u64 old, u64 new, int level)
{
	bool table = is_table(old, level);

	if (table != is_table(new, level))
		return "block size";
	if ((old ^ new) & ADDRESS)
		return table ? "table" : "output address";
	if (table)
		return NULL;
	if ((old ^ new) & ATTR_INDEX)
		return "memory type";
	if ((old ^ new) & CONTIGUOUS)
		return "contiguous bit";
	return old & ~new &NOT_GLOBAL ? "scope (global)" : NULL;
}

static void link_table(struct cpu *cpu, const struct chunk *chunk, u64 entry, u64 va, u64 pc)
{
	struct marking m = {cpu, tables_granule_shift(cpu, chunk->half), chunk->half, true, pc};

	mark_entry(&m, entry, chunk->level, va);
}

void tables_entry_stored(struct cpu *cpu, const struct chunk *chunk, unsigned int word, u64 old,
			 u64 new, u64 pc)
{
	int level = chunk->level;
	unsigned int shift = level_shift(tables_granule_shift(cpu, chunk->half), level);
	u64 span = 1ull << shift, va = chunk->va + ((u64)(word - chunk->word) << shift);
	const char *change;

	if (word - chunk->word >= chunk->entries)
		return; /* behind a small root */
	if (is_valid(old, level) && is_valid(new, level)) {
		count.changed++;
		change = needs_break(old, new, level);
		if (change)
			report("no-break", pc,
			       "entry for 0x%" PRIx64 " changes its %s while valid: 0x%" PRIx64
			       " to 0x%" PRIx64,
			       va, change, old, new);
		add_stale(cpu, va, span, RIGHTS, is_table(old, level), pc);
		if (is_table(old, level) || is_table(new, level))
			tables_changed(cpu, pc);
	} else if (is_valid(old, level)) {
		count.removed++;
		add_stale(cpu, va, span, REMOVED, is_table(old, level), pc);
		if (is_table(old, level))
			tables_changed(cpu, pc);
	} else if (is_valid(new, level)) {
		count.added++;
		check_broken(va, span, pc);
		if (is_table(new, level))
			link_table(cpu, chunk, new, va, pc);
		add_new(cpu, va, span, pc);
	}
}

/*
 * A block that starts so little behind the write of a register is what follows it: QEMU ends a
 * block there, and where a page ends. An access, a branch or an AT between is seen on its own.
 */
#define STRAIGHT (8 * 4)

/* A register that rules the translation of va was written, and no ISB came yet. */
static void check_registers_used(struct cpu *cpu, u64 va, u64 pc, bool fetch)
{
	int half = va >> 55 & 1;

	for (unsigned int reg = 0; reg < NR_SYSREGS; reg++) {
		if (!(cpu->unsynchronized >> reg & 1) ||
		    (reg >= TTBR0 && (int)(reg - TTBR0) != half) ||
		    (fetch && pc - cpu->written_at[reg] <= STRAIGHT))
			continue;
		report("register-no-isb", cpu->written_at[reg],
		       "no ISB between this register write and 0x%" PRIx64 " being used by %s", va,
		       symbol(pc));
		cpu->unsynchronized &= ~(1u << reg);
	}
}

/* An access, fetch or AT of this address; an instruction's fetch is one of its own. */
void tables_used(struct cpu *cpu, u64 va, u64 pc)
{
	if (!cpu->mmu || !at_el1(cpu))
		return;
	if (cpu->unsynchronized)
		check_registers_used(cpu, va, pc, va == pc);
	for (size_t i = 0; i < nr_news; i++) {
		struct new_entry *n = &news[i];

		if (va < n->start || va > n->last || (n->stored && n->cpu != cpu->id))
			continue;
		report(n->stored ? "new-no-isb" : "new-no-dsb", n->pc,
		       "new entry for 0x%" PRIx64 "-0x%" PRIx64 ", no %s before 0x%" PRIx64
		       " is used by %s",
		       n->start, n->last, n->stored ? "ISB" : "DSB", va, symbol(pc));
		REMOVE(news, i--);
	}
}

/* --- barriers and TLBI
 * -------------------------------------------------------------------------------- */

static void touch(struct stale *s, const struct cpu *cpu, enum stage stage)
{
	s->stage = stage;
	s->touched = cpu->blocks;
}

void tables_dsb(struct cpu *cpu, bool full, bool shared)
{
	for (size_t i = 0; i < nr_news; i++)
		if (news[i].cpu == cpu->id)
			news[i].stored = true;
	for (size_t i = 0; i < nr_stales; i++) {
		if (stales[i].cpu != cpu->id)
			continue;
		if (stales[i].stage == WRITTEN)
			touch(&stales[i], cpu, STORED);
		else if (stales[i].stage == FLUSHED && full && (shared || !stales[i].shared))
			touch(&stales[i], cpu, FLUSH_DONE);
	}
}

void tables_isb(struct cpu *cpu, u64 pc, bool instruction)
{
	for (size_t i = 0; i < nr_news; i++)
		if (news[i].stored && news[i].cpu == cpu->id)
			REMOVE(news, i--);
	for (size_t i = 0; i < nr_stales; i++) {
		struct stale *s = &stales[i];

		if (s->cpu != cpu->id || s->stage < FLUSHED)
			continue;
		if (s->stage == FLUSHED && !instruction)
			continue;
		if (s->stage == FLUSHED)
			report_stale(s, "the ISB", pc);
		REMOVE(stales, i--);
	}
}

/* TLBI and DSB are given twice, for errata: what waits for its ISB has not been forgotten. */
static void again(struct stale *s, const struct cpu *cpu)
{
	if (s->cpu == cpu->id)
		s->touched = cpu->blocks;
}

/* The part of s in [start, last] is flushed; what is around it stays. */
static void flush_part(struct cpu *cpu, size_t i, u64 start, u64 last, bool shared, u64 pc)
{
	struct stale whole = stales[i], part = whole, rest = whole;
	struct stale *end;

	if (whole.stage == WRITTEN)
		report("tlbi-before-dsb", whole.pc,
		       "%s for 0x%" PRIx64 "-0x%" PRIx64 ", no DSB before the TLBI at %s",
		       why_text[whole.why], whole.start, whole.last, symbol(pc));
	REMOVE(stales, i);
	if (start > whole.start) {
		rest.last = start - 1;
		APPEND(stales, rest);
	}
	if (last < whole.last) {
		rest = whole;
		rest.start = last + 1;
		APPEND(stales, rest);
	}
	part.start = start > whole.start ? start : whole.start;
	part.last = last < whole.last ? last : whole.last;
	part.shared = shared;
	touch(&part, cpu, FLUSHED);
	/* A loop of TLBIs grows one item. */
	for (end = stales; end < stales + nr_stales; end++) {
		if (end->stage == FLUSHED && end->last + 1 == part.start && end->pc == part.pc &&
		    end->unit == part.unit) {
			end->last = part.last;
			touch(end, cpu, FLUSHED);
			return;
		}
	}
	APPEND(stales, part);
}

/* A TLBI of this CPU only leaves the others' TLBs as they are; a root is each CPU's own. */
static bool reaches(const struct cpu *cpu, const struct stale *s, bool shared)
{
	for (const struct cpu *other = cpu_next(NULL); other && !shared && s->why != ROOT;
	     other = cpu_next(other))
		if (other != cpu && other->entered && other->mmu && at_el1(other))
			return false;
	return true;
}

static void check_registers_before(struct cpu *cpu, const char *what, unsigned int regs, u64 pc)
{
	for (unsigned int reg = 0; reg < NR_SYSREGS; reg++)
		if (cpu->unsynchronized >> reg & 1 && regs >> reg & 1)
			report("register-no-isb", cpu->written_at[reg],
			       "no ISB between this register write and %s at %s", what, symbol(pc));
}

void tables_tlbi(struct cpu *cpu, u64 start, u64 last, bool leaf_only, bool shared, u64 pc)
{
	size_t n = nr_stales;

	if (cpu->mmu)
		check_registers_before(cpu, "the TLBI", ~0u, pc);
	for (size_t i = 0; i < n; i++) {
		struct stale *s = &stales[i];
		u64 unit = s->unit ? s->unit : 1;
		u64 from = start & ~(unit - 1), to = last | (unit - 1);

		if (s->why == ROOT || (leaf_only && s->table) || s->last < from || s->start > to ||
		    !reaches(cpu, s, shared))
			continue;
		if (s->stage >= FLUSHED) {
			again(s, cpu);
			continue;
		}
		flush_part(cpu, i, from > s->start ? from : s->start, to < s->last ? to : s->last,
			   shared, pc);
		/* Another item has taken its place; those appended need no look. */
		n = n < nr_stales ? n : nr_stales;
		i--;
	}
}

void tables_tlbi_all(struct cpu *cpu, bool shared, u64 pc)
{
	if (cpu->mmu)
		check_registers_before(cpu, "the TLBI", ~0u, pc);
	for (size_t i = 0; i < nr_stales; i++) {
		if (!reaches(cpu, &stales[i], shared))
			continue;
		if (stales[i].stage >= FLUSHED) {
			again(&stales[i], cpu);
			continue;
		}
		if (stales[i].stage == WRITTEN)
			report("tlbi-before-dsb", stales[i].pc,
			       "%s for 0x%" PRIx64 "-0x%" PRIx64 ", no DSB before the TLBI at %s",
			       why_text[stales[i].why], stales[i].start, stales[i].last,
			       symbol(pc));
		stales[i].shared = shared;
		touch(&stales[i], cpu, FLUSHED);
	}
}

/* Until SCTLR counts, what this drops may be fetched in the old way again. */
void tables_ic(struct cpu *cpu, u64 pc)
{
	check_registers_before(cpu, "the IC", 1u << SCTLR, pc);
}

/* --- registers
 * --------------------------------------------------------------------------------------- */

#define BIT_OF(reg) (1u << (reg))
#define M_BIT       1
#define C_BIT       4
#define I_BIT       (1 << 12)

static void mmu_on(struct cpu *cpu, u64 pc)
{
	check_registers_before(cpu, "the MMU going on",
			       BIT_OF(TCR) | BIT_OF(MAIR) | BIT_OF(TTBR0) | BIT_OF(TTBR1), pc);
	if (cpu->tlbi_all != SYNCHRONIZED)
		report("mmu-no-tlbi", pc, "the MMU goes on, %s",
		       cpu->tlbi_all == NOT_DONE
			       ? "no TLBI of everything before: the TLB holds what reset left"
		       : cpu->tlbi_all == ISSUED ? "no DSB behind the TLBI"
						 : "no ISB behind the TLBI and its DSB");
}

static void check_icache_on(struct cpu *cpu, u64 pc)
{
	if (cpu->ic_all < COMPLETED)
		report("icache-no-ic", pc, "the instruction cache goes on, %s",
		       cpu->ic_all == NOT_DONE
			       ? "no IC IALLU before: it may hold what was there before the Image"
			       : "no DSB behind the IC IALLU");
}

static void sctlr_written(struct cpu *cpu, u64 value, u64 pc)
{
	u64 old = cpu->reg[SCTLR];

	cpu->reg[SCTLR] = value;
	if (value & ~old & M_BIT)
		mmu_on(cpu, pc);
	if (value & ~old & I_BIT)
		check_icache_on(cpu, pc);
	cpu->mmu = value & M_BIT;
	cpu->cached = cpu->mmu && value & C_BIT;
	if ((value ^ old) & M_BIT)
		tables_changed(cpu, pc);
}

/* The TLB must have lost the root before. */
static void check_root_gone(const struct regime *old, const char *event, u64 pc)
{
	for (size_t i = 0; i < nr_stales; i++) {
		if (stales[i].why != ROOT || stales[i].start != old->base)
			continue;
		report_stale(&stales[i], event, pc);
		REMOVE(stales, i--);
	}
}

static void root_written(struct cpu *cpu, int half, u64 value, u64 pc)
{
	unsigned int reg = half ? TTBR1 : TTBR0;
	struct regime old = regime_of(cpu, half), new;
	bool was_empty = !old.on || root_is_empty(&old), is_empty;

	check_registers_before(cpu, "a TTBR write", BIT_OF(TCR) | BIT_OF(reg), pc);
	cpu->reg[reg] = value;
	new = regime_of(cpu, half);
	is_empty = !new.on || root_is_empty(&new);
	if (!is_empty)
		check_root_gone(&old, "the new root", pc);
	if (!was_empty && old.root != new.root) {
		if (!is_empty)
			report("no-break", pc,
			       "root 0x%" PRIx64 " gives way to 0x%" PRIx64
			       ", no empty one and TLBI between",
			       old.root, new.root);
		struct stale item = {old.base, old.base + (1ull << old.bits) - 1,
				     0,        STORED,
				     ROOT,     true,
				     false,    cpu->id,
				     pc,       cpu->blocks};

		APPEND(stales, item);
	}
	tables_changed(cpu, pc);
}

static void tcr_written(struct cpu *cpu, u64 value, u64 pc)
{
	static const u64 fields[] = {0xc03full, 0xc03f0000ull}; /* TG0, T0SZ; TG1, T1SZ */

	check_registers_before(cpu, "a TCR write", BIT_OF(TTBR0) | BIT_OF(TTBR1), pc);
	for (int half = 0; half < 2; half++) {
		struct regime r = regime_of(cpu, half);

		if (!((value ^ cpu->reg[TCR]) & fields[half]))
			continue;
		check_root_gone(&r, "TCR's new geometry", pc);
		if (r.on && !root_is_empty(&r))
			report("no-break", pc,
			       "TCR changes the geometry of TTBR%d's tables while they are live",
			       half);
	}
	cpu->reg[TCR] = value;
	tables_changed(cpu, pc);
}

void tables_register_written(struct cpu *cpu, enum sysreg reg, u64 value, u64 pc)
{
	count.registers++;
	if (reg == SCTLR)
		sctlr_written(cpu, value, pc);
	else if (!cpu->mmu)
		cpu->reg[reg] = value;
	else if (reg == TCR)
		tcr_written(cpu, value, pc);
	else if (reg == MAIR)
		cpu->reg[MAIR] = value;
	else
		root_written(cpu, reg == TTBR1, value, pc);
	cpu->unsynchronized |= BIT_OF(reg);
	cpu->written_at[reg] = pc;
}

/* --- time
 * ------------------------------------------------------------------------------------------- */

/* Blocks in which nothing got on: between writing entries and their TLBI there may be a walk of
 * other tables; DSB and ISB follow it at once. A block is a single instruction where a debugger has
 * a breakpoint in the page. */
static u64 patience(enum stage stage)
{
	return stage < FLUSHED ? 4096 : 24;
}

void tables_block(struct cpu *cpu, u64 pc, u32 first_insn)
{
	if (!insn_is_isb(first_insn))
		tables_used(cpu, pc, pc);
	for (size_t i = 0; i < nr_stales; i++) {
		struct stale *s = &stales[i];

		if (s->cpu != cpu->id || cpu->blocks - s->touched <= patience(s->stage))
			continue;
		report_stale(s, "code long past it", pc);
		REMOVE(stales, i--);
	}
}

void tables_exit(void)
{
	for (size_t i = 0; i < nr_stales; i++)
		report_stale(&stales[i], "the end", stales[i].pc);
}
