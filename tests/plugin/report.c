/* SPDX-License-Identifier: BSD-2-Clause */
#include "archcheck.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct counters count;

struct name {
	u64 address;
	char text[56];
};

static FILE *out;
static struct name *names;
static size_t nr_names;
static u64 text_base, data_end, image_base;

void *resized(void *array, size_t n, size_t size)
{
	void *larger = realloc(array, n * size);

	if (!larger)
		abort();
	return larger;
}

/* System.map: address, type, name; sorted. */
static bool read_map(const char *path)
{
	FILE *f = fopen(path, "r");
	struct name n;
	char type;

	if (!f)
		return false;
	while (fscanf(f, "%" SCNx64 " %c %55s%*[^\n]", &n.address, &type, n.text) == 3) {
		if (!(nr_names & (nr_names + 1)) || !names)
			names = resized(names, 2 * nr_names + 2, sizeof(n));
		names[nr_names++] = n;
		if (!strcmp(n.text, "_text"))
			text_base = n.address;
		if (!strcmp(n.text, "_edata"))
			data_end = n.address;
	}
	fclose(f);
	return nr_names;
}

bool report_open(const char *log, const char *map)
{
	out = log ? fopen(log, "w") : stderr;
	if (!out) {
		fprintf(stderr, "archcheck: cannot write %s\n", log);
		return false;
	}
	setvbuf(out, NULL, _IOLBF, 0);
	if (map && !read_map(map)) {
		fprintf(stderr, "archcheck: cannot read %s\n", map);
		return false;
	}
	return true;
}

u64 report_file_size(void)
{
	return data_end - text_base;
}

void report_image(u64 base)
{
	image_base = base;
	fprintf(out, "archcheck: Image at 0x%" PRIx64 "\n", base);
}

const char *symbol(u64 pc)
{
	static char texts[4][96];
	static unsigned int next;
	char *text = texts[next++ % 4];
	u64 address = pc;
	size_t low = 0, high = nr_names;

	snprintf(text, sizeof(texts[0]), "0x%" PRIx64, pc);
	if (!nr_names)
		return text;
	if (address < text_base)
		address += text_base - image_base;
	while (low < high) {
		size_t mid = (low + high) / 2;

		if (names[mid].address <= address)
			low = mid + 1;
		else
			high = mid;
	}
	if (low && low < nr_names)
		snprintf(text, sizeof(texts[0]), "0x%" PRIx64 " (%s+0x%" PRIx64 ")", pc,
			 names[low - 1].text, address - names[low - 1].address);
	return text;
}

/* Each place is reported once a kind, and a loop of findings is cut off. */
#define REPORTS_MAX 100

static unsigned int nr_reports;

static bool reported(const char *kind, u64 pc)
{
	static struct {
		const char *kind;
		u64 pc;
	} seen[REPORTS_MAX];

	for (unsigned int i = 0; i < nr_reports; i++)
		if (seen[i].pc == pc && !strcmp(seen[i].kind, kind))
			return true;
	if (nr_reports == REPORTS_MAX)
		return true;
	seen[nr_reports].kind = kind;
	seen[nr_reports++].pc = pc;
	return false;
}

void report(const char *kind, u64 pc, const char *format, ...)
{
	va_list args;

	if (reported(kind, pc))
		return;
	fprintf(out, "archcheck: %s: ", kind);
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
	fprintf(out, "; at %s\n", symbol(pc));
}

void report_summary(void)
{
	fprintf(out,
		"archcheck: %u reports, stores %" PRIu64 " checked (%" PRIu64
		" with caches off), loads %" PRIu64 ", blocks %" PRIu64 ", tables %" PRIu64
		", live entries %" PRIu64 " added %" PRIu64 " removed %" PRIu64
		" changed, DC %" PRIu64 ", TLBI %" PRIu64 ", DSB %" PRIu64 ", ISB %" PRIu64
		", registers %" PRIu64 "\n",
		nr_reports, count.stores, count.uncached_stores, count.loads, count.blocks,
		count.tables, count.added, count.removed, count.changed, count.dc, count.tlbi,
		count.dsb, count.isb, count.registers);
	fflush(out);
}
