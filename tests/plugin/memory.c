/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory as the CPU's stores leave it. Stores with the caches off go to memory, but a line of the
 * cache that holds older bytes of theirs may be found by later reads through the cache, until it is
 * invalidated: DMB, DC IVAC or CIVAC, DSB (Arm ARM D7.5.9, B2.8.2). A byte mask a line, not a flag,
 * because stacks and tables are written again. The other way round: what was stored through the
 * caches is not in memory, where loads with the caches off look, before a DC that cleans.
 */
#include "archcheck.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct chunk **slots;
static size_t nr_slots, nr_chunks;
static struct chunk **stale_chunks; /* those with lines */
static size_t nr_stale_chunks;
static u64 file_base, file_end;

static size_t slot_of(u64 pa)
{
	size_t i = (pa / CHUNK * 0x9e3779b97f4a7c15ull >> 20) & (nr_slots - 1);

	while (slots[i] && slots[i]->pa != pa)
		i = (i + 1) & (nr_slots - 1);
	return i;
}

struct chunk *chunk_find(u64 pa)
{
	static struct chunk *latest;

	pa &= ~(u64)(CHUNK - 1);
	if (!nr_slots)
		return latest = NULL;
	if (!latest || latest->pa != pa)
		latest = slots[slot_of(pa)];
	return latest;
}

static void grow(void)
{
	struct chunk **old = slots;
	size_t n = nr_slots;

	nr_slots = n ? 2 * n : 1024;
	slots = calloc(nr_slots, sizeof(*slots));
	for (size_t i = 0; i < n; i++)
		if (old[i])
			slots[slot_of(old[i]->pa)] = old[i];
	free(old);
}

/* The chunk at pa, made with what memory holds there now if it is new; va reaches it. */
static struct chunk *chunk_get(u64 pa, u64 va)
{
	static GByteArray *bytes;
	struct chunk *chunk = chunk_find(pa);

	if (chunk)
		return chunk;
	if (2 * nr_chunks >= nr_slots)
		grow();
	chunk = calloc(1, sizeof(*chunk));
	chunk->pa = pa & ~(u64)(CHUNK - 1);
	if (!bytes)
		bytes = g_byte_array_new();
	if (qemu_plugin_read_memory_vaddr(va & ~(u64)(CHUNK - 1), bytes, CHUNK))
		memcpy(chunk->bytes, bytes->bytes, CHUNK);
	slots[slot_of(chunk->pa)] = chunk;
	nr_chunks++;
	return chunk;
}

void memory_reset(void)
{
	for (size_t i = 0; i < nr_slots; i++) {
		if (slots[i])
			free(slots[i]->lines);
		free(slots[i]);
	}
	free(slots);
	slots = NULL;
	nr_slots = nr_chunks = nr_stale_chunks = 0;
	chunk_find(0);
}

void memory_image(u64 base, u64 file_size)
{
	file_base = base;
	file_end = file_size ? base + file_size : UINT64_MAX;
}

bool memory_any_stale(void)
{
	return nr_stale_chunks;
}

bool memory_word(u64 pa, u64 *value)
{
	struct chunk *chunk = chunk_find(pa);

	if (chunk)
		memcpy(value, &chunk->bytes[pa % CHUNK & ~7ull], 8);
	return chunk;
}

static u64 byte_mask(u64 offset, u64 size)
{
	return (size >= LINE ? ~0ull : (1ull << size) - 1) << offset;
}

/* --- stores --------------------------------------------------------------------------------------
 */

static void give_lines(struct chunk *chunk)
{
	if (chunk->lines)
		return;
	chunk->lines = calloc(LINES, sizeof(*chunk->lines));
	stale_chunks = resized(stale_chunks, nr_stale_chunks + 1, sizeof(*stale_chunks));
	stale_chunks[nr_stale_chunks++] = chunk;
}

static void stored_uncached(struct cpu *cpu, struct chunk *chunk, u64 pa, u64 mask, u64 pc)
{
	struct line *line;
	u64 nr = pa % CHUNK / LINE;

	count.uncached_stores++;
	give_lines(chunk);
	line = &chunk->lines[nr];
	/* The loader has cleaned what is in the Image's file, and nothing else. */
	if ((pa < file_base || pa >= file_end) && file_end != UINT64_MAX &&
	    !(chunk->dropped >> nr & 1))
		report("dirty-line", pc,
		       "0x%" PRIx64
		       " stored with the caches off, its line not invalidated before: a dirty one may be written over it",
		       pa);
	line->stored |= mask;
	line->pc = pc;
	line->cpu = (u8)cpu->id;
	line->orders = cpu->orders;
	line->unordered = line->invalidated = false;
}

/* Bytes of one line. */
static void stored(struct cpu *cpu, struct chunk *chunk, u64 pa, u64 size, u64 pc)
{
	u64 nr = pa % CHUNK / LINE, mask = byte_mask(pa % LINE, size);

	if (!cpu->cached) {
		stored_uncached(cpu, chunk, pa, mask, pc);
		return;
	}
	chunk->dropped &= ~(1ull << nr);
	chunk->dirty |= 1ull << nr;
	if (chunk->lines)
		chunk->lines[nr].stored &= ~mask;
}

void memory_store(struct cpu *cpu, u64 pa, u64 va, const void *bytes, unsigned int size, u64 pc)
{
	struct chunk *chunk = chunk_get(pa, va);
	u64 at = pa % CHUNK, old[3], new[3];
	u64 word = at & ~7ull, words;

	if (at + size >
	    CHUNK) /* the rest is in a page of another address; none of our targets stores so */
		size = (unsigned int)(CHUNK - at);
	words = (at + size - word + 7) / 8;
	memcpy(old, &chunk->bytes[word], words * 8);
	memcpy(&chunk->bytes[at], bytes, size);
	memcpy(new, &chunk->bytes[word], words * 8);
	chunk->cpu = cpu->id;
	chunk->orders = cpu->orders;
	chunk->dsbs = cpu->dsbs;
	chunk->pc = pc;
	for (u64 done = 0, part; done < size; done += part) {
		part = LINE - (at + done) % LINE;
		if (part > size - done)
			part = size - done;
		stored(cpu, chunk, pa + done, part, pc);
	}
	for (u64 i = 0; chunk->live && i < words; i++)
		if (old[i] != new[i])
			tables_entry_stored(cpu, chunk, (unsigned int)(word / 8 + i), old[i],
					    new[i], pc);
}

void memory_zero_block(struct cpu *cpu, u64 va, u64 pc)
{
	static const u8 zeroes[16];
	struct translation t;
	u64 start = va & ~(u64)(cpu->zva_block - 1);

	count.stores++;
	if (!cpu->cached)
		report("zva-uncached", pc,
		       "DC ZVA of 0x%" PRIx64 " with the caches off: it faults there", va);
	for (u64 at = 0; at < cpu->zva_block; at += sizeof(zeroes)) {
		if (!tables_translate(cpu, start + at, &t))
			return; /* it faults */
		memory_store(cpu, t.pa, start + at, zeroes, sizeof(zeroes), pc);
	}
}

/* --- maintenance
 * ----------------------------------------------------------------------------------- */

static void maintain_line(struct cpu *cpu, struct chunk *chunk, u64 nr, bool invalidates)
{
	struct line *line;

	chunk->dirty &= ~(1ull << nr);
	if (!invalidates)
		return;
	chunk->dropped |= 1ull << nr;
	if (!chunk->lines)
		return;
	line = &chunk->lines[nr];
	line->unordered = line->cpu == cpu->id && line->orders == cpu->orders;
	line->invalidated = !line->unordered;
	line->dc_dsbs = cpu->dc_dsbs;
	line->cpu = (u8)cpu->id;
}

void memory_dc(struct cpu *cpu, u64 va, bool invalidates, u64 pc)
{
	u64 start = va & ~(u64)(cpu->dc_line - 1);
	struct translation t;

	count.dc++;
	if (tables_unmapped(cpu, start)) /* QEMU's does not fault */
		report("dc-fault", pc, "DC of 0x%" PRIx64 ", which is not mapped", va);
	if (!tables_translate(cpu, start, &t))
		return;
	for (u64 at = 0; at < cpu->dc_line; at += LINE)
		maintain_line(cpu, chunk_get(t.pa + at, start + at), (t.pa + at) % CHUNK / LINE,
			      invalidates);
}

/* --- reads
 * ----------------------------------------------------------------------------------------- */

static void read_line(struct cpu *cpu, enum reader reader, struct line *line, u64 pa, u64 mask,
		      u64 pc)
{
	static const char *const kinds[] = {"stale-load", "stale-fetch", "stale-walk"};
	const char *missing;

	if (!(line->stored & mask))
		return;
	if (line->invalidated && line->cpu == cpu->id && line->dc_dsbs != cpu->dc_dsbs) {
		line->stored = 0;
		return;
	}
	missing = line->invalidated ? "no DSB behind its DC IVAC"
		  : line->unordered ? "no DMB or DSB between store and DC IVAC"
				    : "no DC IVAC or CIVAC between";
	report(kinds[reader], pc,
	       "0x%" PRIx64 " was stored with the caches off by %s, is now read through them, %s",
	       pa, symbol(line->pc), missing);
	line->stored = 0; /* one report is enough */
}

void memory_read(struct cpu *cpu, enum reader reader, u64 pa, u64 size, u64 pc)
{
	while (size) {
		struct chunk *chunk = chunk_find(pa);
		u64 part = LINE - pa % LINE;

		if (part > size)
			part = size;
		if (chunk && chunk->lines)
			read_line(cpu, reader, &chunk->lines[pa % CHUNK / LINE], pa,
				  byte_mask(pa % LINE, part), pc);
		pa += part;
		size -= part;
	}
}

void memory_load_uncached(u64 pa, u64 pc)
{
	struct chunk *chunk = chunk_find(pa);
	u64 bit = 1ull << pa % CHUNK / LINE;

	if (!chunk || !(chunk->dirty & bit))
		return;
	report("not-cleaned", pc,
	       "0x%" PRIx64
	       " is read with the caches off, its line was stored to through them and no DC CVAC came since, last by %s",
	       pa, symbol(chunk->pc));
	chunk->dirty &= ~bit;
}

void memory_fetchable(struct cpu *cpu, u64 pa, u64 size, u64 pc)
{
	for (size_t i = 0; i < nr_stale_chunks; i++)
		if (stale_chunks[i]->pa - pa < size)
			memory_read(cpu, FETCH, stale_chunks[i]->pa, CHUNK, pc);
}
