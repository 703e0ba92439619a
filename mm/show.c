/* SPDX-License-Identifier: BSD-2-Clause */
/* buddyinfo, zoneinfo and slabinfo: what the allocators hold, in the formats of Linux's /proc files
 * of these names. */
#include <asm/percpu.h>
#include <lib/errno.h>
#include <lib/monitor.h>
#include <lib/printk.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <mm/zone.h>

/* By node, the lowest zone first. */
static int show_zones(int argc, void (*show)(struct zone *zone))
{
	if (argc != 1)
		return -EINVAL;
	for (unsigned int i = 0; i < nr_nodes * NR_ZONE_TYPES; i++) {
		struct zone *zone = nodes[i / NR_ZONE_TYPES].zone[i % NR_ZONE_TYPES];

		if (zone)
			show(zone);
	}
	return 0;
}

static void show_blocks(struct zone *zone)
{
	unsigned long count[NR_PAGE_ORDERS] = {0};

	zone_count_blocks(zone, count);
	cprintf("Node %d, zone %8s ", zone->nid, zone_names[zone->type]);
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
		cprintf("%6lu ", count[order]);
	cprintf("\n");
}

static int buddyinfo_command(int argc, char **argv)
{
	(void)argv;
	return show_zones(argc, show_blocks);
}
MONITOR_COMMAND(buddyinfo, "", "free blocks of each order, by zone", buddyinfo_command);

static void show_pagesets(const struct zone *zone)
{
	cprintf("  pagesets\n");
	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++) {
		unsigned long pages = 0, most = 0;

		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
			pages += page_list_count(cpu, zone, order) << order;
			most += (unsigned long)zone->capacity[order] << order;
		}
		cprintf("    cpu: %u\n              count:    %lu\n              high:     %lu\n"
			"              batch:    %u\n",
			cpu, pages, most, most ? REFILL_PAGES : 0);
	}
}

/* Linux's lines, then our own. Nothing is kept back, so there are no watermarks; no zone falls back
 * on one that is protected. */
static void show_zone(struct zone *zone)
{
	unsigned long free = zone_free_pages(zone);

	cprintf("Node %d, zone %8s\n"
		"  pages free     %lu\n"
		"        boost    0\n"
		"        min      0\n"
		"        low      0\n"
		"        high     0\n"
		"        spanned  %lu\n"
		"        present  %lu\n"
		"        managed  %lu\n"
		"        cma      0\n"
		"        protection: (0, 0, 0)\n"
		"      nr_free_pages %lu\n",
		zone->nid, zone_names[zone->type], free, zone->end_pfn - zone->start_pfn,
		zone->present, zone->managed, free);
	show_pagesets(zone);
	cprintf("  start_pfn:           %lu\n"
		"  unopened_pages:      %lu\n"
		"  unopened_ranges:     %u\n"
		"  unopened_need:       %lu\n"
		"  contig_pages:        %lu\n"
		"  opened_sections:     %lu\n",
		zone->start_pfn, zone->unopened.pages, zone->unopened.nr, zone->open_need,
		zone->contig.pages, zone->nr_opened);
}

static int zoneinfo_command(int argc, char **argv)
{
	(void)argv;
	return show_zones(argc, show_zone);
}
MONITOR_COMMAND(zoneinfo, "", "figures of each zone", zoneinfo_command);

static int slabinfo_command(int argc, char **argv)
{
	struct slab_stats s;

	(void)argv;
	if (argc != 1)
		return -EINVAL;
	cprintf("slabinfo - version: 2.1\n");
	cprintf("# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
		" : tunables <limit> <batchcount> <sharedfactor>"
		" : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	for (unsigned int i = 0; slab_stats(&i, &s); i++) {
		cprintf("%-17s %6lu %6lu %6u %4u %4u", s.name, s.active, s.objects, s.size,
			s.per_slab, 1u << s.order);
		cprintf(" : tunables %4u %4u %4u : slabdata %6lu %6lu %6u\n", s.limit, s.limit / 2,
			0u, s.slabs, s.slabs, 0u);
	}
	return 0;
}
MONITOR_COMMAND(slabinfo, "", "figures of each slab cache", slabinfo_command);
