/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/dt.c on trees made by dtc and by hand, whole and broken. Every tree lies in a block of
 * exactly its size, so that AddressSanitizer sees each byte read behind it. libfdt is the oracle
 * for whole trees.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libfdt.h>

#include <lib/dt.h>
#include <lib/errno.h>
#include <lib/kernel.h>
#include "random.h"

static const char board[] =
	"/dts-v1/;\n"
	"/memreserve/ 0x0 0x1000;\n"
	"/memreserve/ 0x3b400000 0x4c00000;\n"
	"/ {\n"
	"	#address-cells = <2>; #size-cells = <1>;\n"
	"	model = \"Test Board\"; compatible = \"test,board\", \"test,soc\";\n"
	"	chosen { bootargs = \"quiet\"; stdout-path = \"serial1:115200n8\"; };\n"
	"	aliases { serial0 = \"/soc/serial@7e201000\"; serial1 = &uart1; soc = \"/soc\";\n"
	"		loop = \"loop\"; gone = \"/nothing\"; open = [2f 73]; };\n"
	"	memory@0 { device_type = \"memory\";\n"
	"		reg = <0 0 0x3b400000>, <0 0x40000000 0xbc000000>, <1 0 0x80000000>, <1 0x80000000 0x80000000>; };\n"
	"	soc { compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>;\n"
	"		ranges = <0x7e000000 0 0xfe000000 0x01800000>, <0x7c000000 0 0xfc000000 0x02000000>;\n"
	"		dma-ranges = <0xc0000000 0 0 0x40000000>;\n"
	"		serial@7e201000 { compatible = \"arm,pl011\", \"arm,primecell\"; reg = <0x7e201000 0x200>; };\n"
	"		uart1: serial@7e215040 { compatible = \"brcm,bcm2835-aux-uart\"; reg = <0x7e215040 0x40>;\n"
	"			status = \"okay\"; };\n"
	"		serial@1000 { reg = <0x1000 0x100>; status = \"disabled\"; };\n"
	"		inner { #address-cells = <1>; #size-cells = <1>; ranges = <0 0x7e300000 0x1000>;\n"
	"			dev@80 { reg = <0x80 4>; phandle = <0x77>; }; };\n"
	"		same { #address-cells = <1>; #size-cells = <1>; ranges;\n"
	"			dev@7c000004 { reg = <0x7c000004 4>; linux,phandle = <0x78>; }; };\n"
	"		closed { #address-cells = <1>; #size-cells = <0>; dev@3 { reg = <3>; }; };\n"
	"	};\n"
	"	scb { #address-cells = <2>; #size-cells = <2>; ranges = <0 0xfc000000 0 0xfc000000 0 0x4000000>;\n"
	"		pcie@fd500000 { #address-cells = <3>; #size-cells = <2>; reg = <0 0xfd500000 0 0x9310>;\n"
	"			ranges = <0x2000000 0 0xf8000000 6 0 0 0x4000000>;\n"
	"			dev { reg = <0x10000 0 0 0 0>; }; };\n"
	"	};\n"
	"	odd { status = \"fail-x\"; number = <1 2>; word = <5>; empty; };\n"
	"	a { b { c { d { }; }; }; b2 { c { leaf; }; }; };\n"
	"	a@1 { only; late { }; };\n"
	"	twice@1_2 { };\n"
	"};\n";

struct tree {
	u8 *blob; /* exactly size bytes */
	u32 size;
	struct dt dt;
};

static char why[200];

/* A copy in a block of its own, so that no byte behind it may be touched. */
static struct tree tree_from(const void *blob, u32 size)
{
	struct tree t = {.blob = malloc(size), .size = size};

	assert_non_null(t.blob);
	memcpy(t.blob, blob, size);
	return t;
}

static struct tree compile(const char *dts)
{
	static u8 buf[0x10000];
	char in[] = "/tmp/test_dt_XXXXXX", command[200];
	int fd = mkstemp(in);
	size_t size;
	FILE *f;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, dts, strlen(dts)), (int)strlen(dts));
	close(fd);
	snprintf(command, sizeof(command), "dtc -q -I dts -O dtb %s", in);
	f = popen(command, "r");
	assert_non_null(f);
	size = fread(buf, 1, sizeof(buf), f);
	assert_int_equal(pclose(f), 0);
	unlink(in);
	return tree_from(buf, (u32)size);
}

static struct tree open_board(void)
{
	struct tree t = compile(board);

	if (dt_check(&t.dt, t.blob, t.size, why, sizeof(why)))
		fail_msg("%s", why);
	return t;
}

static struct dt_iter find(const struct tree *t, const char *path)
{
	struct dt_iter it;

	if (!dt_find_path(&it, &t->dt, path, strlen(path)))
		fail_msg("no %s", path);
	return it;
}

/* ---- whole trees ---- */

static void walk_agrees_with_libfdt(void **state)
{
	struct tree t = open_board();
	struct dt_prop prop;
	struct dt_iter it;
	int node = -1, depth = -1;

	(void)state;
	dt_start(&it, &t.dt);
	while (dt_next_node(&it)) {
		int off, len;

		node = fdt_next_node(t.blob, node, &depth);
		assert_int_equal(it.node, node);
		assert_int_equal(it.depth, depth);
		assert_string_equal(it.name, fdt_get_name(t.blob, node, NULL));
		fdt_for_each_property_offset(off, t.blob, node)
		{
			const char *name;
			const void *data = fdt_getprop_by_offset(t.blob, off, &name, &len);

			assert_true(dt_next_prop(&it, &prop));
			assert_string_equal(prop.name, name);
			assert_ptr_equal(prop.data, data);
			assert_int_equal(prop.len, len);
			assert_true(dt_prop(&t.dt, it.node, name, &prop));
			assert_ptr_equal(prop.data, data);
		}
		assert_false(dt_next_prop(&it, &prop));
		assert_false(dt_prop(&t.dt, it.node, "no-such", &prop));
		for (int d = 0; d <= it.depth; d++)
			assert_int_equal(it.up[d],
					 fdt_supernode_atdepth_offset(t.blob, node, d, NULL));
	}
	assert_null(it.broken);
	assert_true(fdt_next_node(t.blob, node, &depth) < 0 || depth < 0);
	assert_false(dt_next_node(&it));
	free(t.blob);
}

static void paths_lead_to_their_nodes(void **state)
{
	struct tree t = open_board();
	char path[100], expected[100];
	struct dt_iter it, found;

	(void)state;
	dt_start(&it, &t.dt);
	while (dt_next_node(&it)) {
		dt_path(&it, path, sizeof(path));
		assert_int_equal(fdt_get_path(t.blob, (int)it.node, expected, sizeof(expected)), 0);
		assert_string_equal(path, expected);
		assert_true(dt_find_path(&found, &t.dt, path, strlen(path)));
		assert_int_equal(found.node, it.node);
		assert_int_equal(found.depth, it.depth);
		assert_true(dt_seek(&found, &t.dt, it.node));
		assert_false(dt_seek(&found, &t.dt, it.node + 4));
	}
	free(t.blob);
}

static void paths_may_be_short(void **state)
{
	static const struct {
		const char *path, *node;
	} cases[] = {
		{"/", "/"},
		{"//soc//inner/", "/soc/inner"},
		{"/soc/serial", "/soc/serial@7e201000"}, /* the first of that name */
		{"/soc/serial@1000", "/soc/serial@1000"},
		{"/memory", "/memory@0"},
		{"/a", "/a"},
		{"/a@1", "/a@1"},
		{"/a/b2/c", "/a/b2/c"},
		{"serial0", "/soc/serial@7e201000"},
		{"serial1", "/soc/serial@7e215040"},
		{"soc/inner/dev@80", "/soc/inner/dev@80"},
		{"soc/", "/soc"},
		{"", NULL},
		{"/soc/ser", NULL},
		{"/soc/serial@7e2", NULL},
		{"/a/c", NULL},
		{"/a/late", NULL}, /* it is a@1's */
		{"/twice", "/twice@1@2"},
		{"/twice@1", NULL},
		{"/a/b/c/d/e", NULL},
		{"/a/b2/c/d", NULL},
		{"/inner", NULL},
		{"serial", NULL},
		{"serial00", NULL},
		{"loop", NULL},
		{"gone", NULL},
		{"open", NULL},
	};
	struct tree t = open_board();
	struct dt_iter it;
	char path[100];

	(void)state;
	/* dtc would not write such a name. */
	((char *)(uintptr_t)find(&t, "/twice").name)[7] = '@';
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool found = dt_find_path(&it, &t.dt, cases[i].path, strlen(cases[i].path));

		if (found != !!cases[i].node)
			fail_msg("%s: found %d", cases[i].path, found);
		if (!found)
			continue;
		dt_path(&it, path, sizeof(path));
		assert_string_equal(path, cases[i].node);
	}
	/* Only len characters count. */
	assert_true(dt_find_path(&(struct dt_iter){0}, &t.dt, "serial1:115200n8", 7));
	it = find(&t, "/soc/inner/dev");
	assert_int_equal(dt_path(&it, path, 9), 8);
	assert_string_equal(path, "/soc/inn");
	free(t.blob);
}

static void nodes_are_found_by_what_they_say(void **state)
{
	struct tree t = open_board();
	struct dt_iter it;

	(void)state;
	dt_start(&it, &t.dt);
	assert_true(dt_find_compatible(&it, "arm,primecell"));
	assert_string_equal(it.name, "serial@7e201000");
	assert_false(dt_find_compatible(&it, "arm,primecell"));
	dt_start(&it, &t.dt);
	assert_false(dt_find_compatible(&it, "arm"));
	dt_start(&it, &t.dt);
	assert_true(dt_find_phandle(&it, 0x77));
	assert_string_equal(it.name, "dev@80");
	assert_false(dt_find_phandle(&it, 0x77));
	dt_start(&it, &t.dt);
	assert_true(dt_find_phandle(&it, 0x78));
	assert_string_equal(it.name, "dev@7c000004");

	assert_true(dt_available(&t.dt, find(&t, "/soc").node));
	assert_true(dt_available(&t.dt, find(&t, "serial1").node));
	assert_false(dt_available(&t.dt, find(&t, "/soc/serial@1000").node));
	assert_false(dt_available(&t.dt, find(&t, "/odd").node));
	assert_true(dt_name_is("memory@0", "memory"));
	assert_true(dt_name_is("memory", "memory"));
	assert_false(dt_name_is("memory-controller@0", "memory"));
	assert_false(dt_name_is("mem", "memory"));
	free(t.blob);
}

static void properties_are_read(void **state)
{
	struct tree t = open_board();
	u32 odd = find(&t, "/odd").node, root = find(&t, "/").node;
	struct dt_prop prop;

	(void)state;
	assert_int_equal(dt_u32(&t.dt, odd, "word", 9), 5);
	assert_int_equal(dt_u32(&t.dt, odd, "number", 9), 9);
	assert_int_equal(dt_u32(&t.dt, odd, "empty", 9), 9);
	assert_int_equal(dt_u32(&t.dt, odd, "none", 9), 9);
	assert_true(dt_prop(&t.dt, odd, "number", &prop));
	assert_int_equal(dt_number(prop.data, 2), 0x100000002);
	assert_int_equal(dt_number(prop.data, 1), 1);
	assert_int_equal(dt_number(prop.data, 0), 0);
	assert_true(dt_prop(&t.dt, odd, "empty", &prop));
	assert_null(dt_string(&prop));
	assert_true(dt_prop(&t.dt, root, "compatible", &prop));
	assert_string_equal(dt_string(&prop), "test,board");
	assert_true(dt_list_has(&prop, "test,board"));
	assert_true(dt_list_has(&prop, "test,soc"));
	assert_false(dt_list_has(&prop, "test"));
	assert_false(dt_list_has(&prop, "test,so"));
	assert_false(dt_list_has(&prop, ""));
	/* A list whose last string has no end. */
	prop.len -= 1;
	assert_false(dt_list_has(&prop, "test,soc"));
	assert_true(dt_list_has(&prop, "test,board"));
	prop = (struct dt_prop){.data = t.blob + t.size - 1, .len = 1};
	dt_list_has(&prop, "x");
	free(t.blob);
}

static void tuples_of_twelve_bytes(void **state)
{
	static const u64 expected[][2] = {{0, 0x3b400000},
					  {0x40000000, 0xbc000000},
					  {0x100000000, 0x80000000},
					  {0x180000000, 0x80000000}};
	struct tree t = open_board();
	struct dt_iter it = find(&t, "/memory@0");
	struct dt_prop reg;
	u64 addr, size;
	unsigned int i;

	(void)state;
	for (i = 0; dt_reg(&it, i, &addr, &size); i++) {
		assert_int_equal(addr, expected[i][0]);
		assert_int_equal(size, expected[i][1]);
	}
	assert_int_equal(i, ARRAY_SIZE(expected));
	assert_true(dt_prop(&t.dt, it.node, "reg", &reg));
	assert_false(dt_tuple(&reg, (struct dt_cells){3, 1}, 0, &addr, &size));
	assert_false(dt_tuple(&reg, (struct dt_cells){0, 1}, 0, &addr, &size));
	assert_false(dt_tuple(&reg, (struct dt_cells){2, 3}, 0, &addr, &size));
	reg.len--;
	assert_false(dt_tuple(&reg, (struct dt_cells){2, 1}, 3, &addr, &size));
	it = find(&t, "/soc/closed/dev");
	assert_true(dt_reg(&it, 0, &addr, &size));
	assert_int_equal(addr, 3);
	assert_int_equal(size, 0);
	it = find(&t, "/scb/pcie/dev");
	assert_false(dt_reg(&it, 0, &addr, &size));
	it = find(&t, "/");
	assert_false(dt_reg(&it, 0, &addr, &size));
	free(t.blob);
}

static void ranges_are_followed(void **state)
{
	static const struct {
		const char *path;
		u64 cpu; /* 0: there is no way up */
	} cases[] = {
		{"/soc/serial@7e201000", 0xfe201000},
		{"/soc/serial@7e215040", 0xfe215040},
		{"/soc/serial@1000", 0},
		{"/soc/inner/dev", 0xfe300080},
		{"/soc/same/dev", 0xfc000004},
		{"/soc/closed/dev", 0},
		{"/scb/pcie", 0xfd500000},
	};
	struct tree t = open_board();
	struct dt_iter it;
	u64 addr, size;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		it = find(&t, cases[i].path);
		assert_true(dt_reg(&it, 0, &addr, &size));
		if (dt_translate(&it, false, &addr) != !!cases[i].cpu ||
		    (cases[i].cpu && addr != cases[i].cpu))
			fail_msg("%s: 0x%lx", cases[i].path, (unsigned long)addr);
	}
	it = find(&t, "/scb/pcie/dev");
	addr = 0xf8000000;
	assert_false(dt_translate(&it, false, &addr));
	it = find(&t, "/soc/serial@7e201000");
	addr = 0xc0001000;
	assert_true(dt_translate(&it, true, &addr));
	assert_int_equal(addr, 0x1000);
	addr = 0x1000;
	assert_false(dt_translate(&it, true, &addr));
	/* No dma-ranges: the same addresses on both sides. */
	it = find(&t, "/scb/pcie");
	assert_true(dt_translate(&it, true, &addr));
	assert_int_equal(addr, 0x1000);
	/* The last byte of a range, and the first behind it. */
	it = find(&t, "/soc/serial@1000");
	addr = 0x7f7fffff;
	assert_true(dt_translate(&it, false, &addr));
	assert_int_equal(addr, 0xff7fffff);
	addr = 0x7f800000;
	assert_false(dt_translate(&it, false, &addr));
	free(t.blob);
}

static void reservation_block_is_listed(void **state)
{
	struct tree t = open_board();
	u64 addr, size;

	(void)state;
	assert_true(dt_mem_rsv(&t.dt, 0, &addr, &size));
	assert_int_equal(addr, 0);
	assert_int_equal(size, 0x1000);
	assert_true(dt_mem_rsv(&t.dt, 1, &addr, &size));
	assert_int_equal(addr, 0x3b400000);
	assert_int_equal(size, 0x4c00000);
	assert_false(dt_mem_rsv(&t.dt, 2, &addr, &size));
	assert_false(dt_mem_rsv(&t.dt, ~0U, &addr, &size));
	free(t.blob);
}

static void secrets_are_wiped(void **state)
{
	struct tree t = open_board();
	struct dt_prop prop;

	(void)state;
	assert_true(dt_prop(&t.dt, find(&t, "/chosen").node, "bootargs", &prop));
	dt_wipe(&prop);
	assert_memory_equal(prop.data, "\0\0\0\0\0\0", 6);
	assert_int_equal(dt_check(&t.dt, t.blob, t.size, why, sizeof(why)), 0);
	assert_true(dt_find_path(&(struct dt_iter){0}, &t.dt, "serial1", 7));
	free(t.blob);
}

/* ---- refused trees ---- */

static void put32(u8 *p, u32 v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, 4);
}

static u32 get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, 4);
	return __builtin_bswap32(v);
}

enum {
	TOTALSIZE = 4,
	OFF_STRUCT = 8,
	OFF_STRINGS = 12,
	OFF_RSVMAP = 16,
	VERSION = 20,
	LAST_COMP = 24,
	SIZE_STRINGS = 32,
	SIZE_STRUCT = 36
};

static void expect_refused(struct tree *t, const void *blob, u32 mapped, const char *reason)
{
	why[0] = '\0';
	if (!dt_check(&t->dt, blob, mapped, why, sizeof(why)))
		fail_msg("accepted, though: %s", reason);
	if (!strstr(why, reason))
		fail_msg("\"%s\" does not say \"%s\"", why, reason);
}

static void wrong_headers_are_refused(void **state)
{
	static const struct {
		u32 field, value;
		const char *reason;
	} cases[] = {
		{0, 0xedfe0dd0, "magic is 0xedfe0dd0"},
		{0, 0, "magic is 0x00000000"},
		{TOTALSIZE, 0x200001, "0x200001 is not between 40 bytes and 2 MiB"},
		{TOTALSIZE, 0x1ffff0, "does not fit"},
		{TOTALSIZE, 39, "0x27 is not between 40 bytes and 2 MiB"},
		{VERSION, 15, "version 15 is older than 16"},
		{VERSION, 0, "version 0 is older than 16"},
		{LAST_COMP, 18, "version 18"},
		{OFF_STRUCT, 0x39, "structure block at 0x39"},
		{OFF_STRUCT, 8, "structure block at 0x8"},
		{OFF_STRUCT, 0xfffffffc, "structure block at 0xfffffffc"},
		{SIZE_STRUCT, 0xfffffff0, "structure block"},
		{OFF_STRINGS, 0xffffffff, "strings block"},
		{SIZE_STRINGS, 0xffffff00, "strings block"},
		{OFF_RSVMAP, 0x2c, "reservation block at 0x2c is misaligned"},
		{OFF_RSVMAP, 0xfffffff8, "reservation block"},
		{SIZE_STRINGS, 4, "name is not in the strings block"},
	};
	struct tree t = compile(board);
	u8 *shifted = malloc(t.size + 4);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 old = get32(t.blob + cases[i].field);

		put32(t.blob + cases[i].field, cases[i].value);
		expect_refused(&t, t.blob, t.size, cases[i].reason);
		put32(t.blob + cases[i].field, old);
	}
	expect_refused(&t, t.blob, t.size - 1, "does not fit");
	expect_refused(&t, t.blob, 39, "less than a header");
	assert_non_null(shifted);
	memcpy(shifted + 4, t.blob, t.size);
	expect_refused(&t, shifted + 4, t.size, "not 8-byte aligned");
	assert_int_equal(dt_check(&t.dt, t.blob, t.size, why, sizeof(why)), 0);
	/* Newer, but made to be read by us. */
	put32(t.blob + VERSION, 18);
	assert_int_equal(dt_check(&t.dt, t.blob, t.size, why, sizeof(why)), 0);
	free(shifted);
	free(t.blob);
}

/* Version 16 has no size of the structure block. */
static void version_16_is_read(void **state)
{
	struct tree t = compile(board);

	(void)state;
	put32(t.blob + VERSION, 16);
	put32(t.blob + LAST_COMP, 16);
	put32(t.blob + SIZE_STRUCT, 0xdeadbeef);
	assert_int_equal(dt_check(&t.dt, t.blob, t.size, why, sizeof(why)), 0);
	assert_true(dt_find_path(&(struct dt_iter){0}, &t.dt, "/a@1", 4));
	free(t.blob);
}

static void broken_structures_are_named(void **state)
{
	struct tree t = open_board();
	u32 structs = get32(t.blob + OFF_STRUCT), uart = find(&t, "serial1").node, end;
	struct dt_prop prop;
	u8 *token;

	(void)state;
	/* The uart's first property claims to be long. */
	assert_true(dt_prop(&t.dt, uart, "compatible", &prop));
	token = t.blob + ((const u8 *)prop.data - t.blob);
	put32(token - 8, 0x7fffffff);
	expect_refused(&t, t.blob, t.size, "longer than the structure block at offset");
	expect_refused(&t, t.blob, t.size, "in node /soc/serial@7e215040");
	/* Added to the property's header it wraps to 0: libfdt 1.6.1 would walk on the spot for
	 * ever. */
	put32(token - 8, 0xfffffff4);
	expect_refused(&t, t.blob, t.size, "longer than the structure block at offset");
	put32(token - 8, prop.len);

	/* Its second one is no token at all. */
	assert_true(dt_prop(&t.dt, uart, "reg", &prop));
	token = t.blob + ((const u8 *)prop.data - t.blob);
	put32(token - 12, 7);
	expect_refused(&t, t.blob, t.size, "unknown token");
	expect_refused(&t, t.blob, t.size,
		       "in node /soc/serial@7e215040 behind property compatible");
	put32(token - 12, FDT_PROP);
	put32(token - 4, 0x10000);
	expect_refused(&t, t.blob, t.size, "name is not in the strings block");
	put32(token - 4, 0);

	end = structs + get32(t.blob + SIZE_STRUCT) - 4;
	assert_int_equal(get32(t.blob + end), FDT_END);
	put32(t.blob + end, FDT_NOP);
	expect_refused(&t, t.blob, t.size, "no FDT_END");
	put32(t.blob + end, FDT_END_NODE);
	expect_refused(&t, t.blob, t.size, "more nodes end than begin");
	put32(t.blob + end, FDT_END);
	put32(t.blob + end - 4, FDT_END);
	expect_refused(&t, t.blob, t.size, "FDT_END in place of a node's end");
	put32(t.blob + end - 4, FDT_END_NODE);

	/* The strings block's last name has no end. */
	put32(t.blob + SIZE_STRINGS, get32(t.blob + SIZE_STRINGS) - 1);
	expect_refused(&t, t.blob, t.size, "name is not in the strings block");
	put32(t.blob + SIZE_STRINGS, get32(t.blob + SIZE_STRINGS) + 1);
	assert_int_equal(dt_check(&t.dt, t.blob, t.size, why, sizeof(why)), 0);
	free(t.blob);

	/* The root ends where it has a property, and its child becomes a second one. */
	t = compile("/dts-v1/; / { y; x { }; };");
	structs = get32(t.blob + OFF_STRUCT);
	put32(t.blob + structs + 8, FDT_END_NODE);
	put32(t.blob + structs + 12, FDT_NOP);
	put32(t.blob + structs + 16, FDT_NOP);
	put32(t.blob + structs + 32, FDT_NOP);
	expect_refused(&t, t.blob, t.size, "second root");
	free(t.blob);

	t = compile("/dts-v1/; / { };");
	put32(t.blob + get32(t.blob + OFF_STRUCT) + 4, 0x41000000);
	expect_refused(&t, t.blob, t.size, "a root node with a name");
	free(t.blob);

	/* A size of 0 ends the list, as libfdt has it: fdt_pack() leaves nothing behind it. */
	t = compile("/dts-v1/; /memreserve/ 1 0; / { };");
	assert_int_equal(fdt_pack(t.blob), 0);
	assert_int_equal(dt_check(&t.dt, t.blob, fdt_totalsize(t.blob), why, sizeof(why)), 0);
	free(t.blob);

	t = compile("/dts-v1/; /memreserve/ 1 1; / { };");
	/* Behind the reservation block's end there is nothing that ends it a second time. */
	memset(t.blob + get32(t.blob + OFF_RSVMAP) + 16, 0xff, 16);
	for (u32 i = get32(t.blob + OFF_STRUCT); i < t.size; i++)
		t.blob[i] |= 0x80;
	expect_refused(&t, t.blob, t.size, "reservation block has no end");
	free(t.blob);
}

/* ---- hostile trees ---- */

/* A tree that is one chain of nodes called "n", depth of them below the root, each with a reg and
 * empty ranges. */
static struct tree nested_tree(u32 depth)
{
	static const char strings[] = "reg\0ranges\0#address-cells\0#size-cells";
	u32 node = 8 + 20 + 12 + 4, structs = 40 + 16, struct_size = (depth + 1) * node + 4;
	u32 size = structs + struct_size + sizeof(strings);
	u8 *blob = calloc(1, size), *p = blob + structs;
	struct tree t;

	assert_non_null(blob);
	put32(blob, FDT_MAGIC);
	put32(blob + TOTALSIZE, size);
	put32(blob + OFF_STRUCT, structs);
	put32(blob + OFF_STRINGS, structs + struct_size);
	put32(blob + OFF_RSVMAP, 40);
	put32(blob + VERSION, 17);
	put32(blob + LAST_COMP, 16);
	put32(blob + SIZE_STRINGS, sizeof(strings));
	put32(blob + SIZE_STRUCT, struct_size);
	for (u32 i = 0; i <= depth; i++) {
		put32(p, FDT_BEGIN_NODE);
		p[4] = i ? 'n' : '\0';
		put32(p + 8, FDT_PROP);
		put32(p + 12, 8);
		put32(p + 16, 0);
		put32(p + 20, 0x5000);
		put32(p + 24, 4);
		put32(p + 28, FDT_PROP);
		put32(p + 32, 0);
		put32(p + 36, 4);
		p += 40;
	}
	for (u32 i = 0; i <= depth; i++, p += 4)
		put32(p, FDT_END_NODE);
	put32(p, FDT_END);
	t = tree_from(blob, size);
	free(blob);
	return t;
}

static void deep_nesting_costs_no_stack(void **state)
{
	const u32 depth = 45000;
	struct tree t = nested_tree(depth);
	struct dt_iter it;
	char path[64], *long_path = malloc(2 * depth + 1);
	u64 addr, size;
	u32 nodes = 0;

	(void)state;
	assert_true(t.size < DT_MAX_SIZE);
	assert_int_equal(dt_check(&t.dt, t.blob, t.size, why, sizeof(why)), 0);
	dt_start(&it, &t.dt);
	while (dt_next_node(&it))
		assert_int_equal(it.depth, nodes++);
	assert_int_equal(nodes, depth + 1);
	assert_null(it.broken);
	assert_false(dt_reg(&it, 0, &addr, &size));
	assert_false(dt_translate(&it, false, &addr));
	assert_int_equal(dt_path(&it, path, sizeof(path)), 63);
	assert_string_equal(path,
			    "/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/");
	assert_int_equal(dt_path(&it, long_path, 2 * depth), 2 * (DT_BUS_DEPTH - 1));
	for (u32 i = 0; i < depth; i++)
		memcpy(long_path + 2 * i, "/n", 2);
	assert_true(dt_find_path(&it, &t.dt, long_path, 2 * depth));
	assert_int_equal(it.depth, depth);
	free(long_path);
	free(t.blob);
}

/* Use everything there is on a tree, whatever it holds; results do not matter, staying inside does.
 */
static void use_everything(const struct dt *dt)
{
	struct dt_iter it, other;
	struct dt_prop prop;
	char path[40];
	u64 addr = 0, size;

	for (u32 i = 0; dt_mem_rsv(dt, i, &addr, &size); i++)
		;
	dt_start(&it, dt);
	while (dt_next_node(&it)) {
		dt_available(dt, it.node);
		dt_path(&it, path, sizeof(path));
		for (unsigned int i = 0; dt_reg(&it, i, &addr, &size); i++)
			dt_translate(&it, i & 1, &addr);
		while (dt_next_prop(&it, &prop)) {
			dt_string(&prop);
			dt_list_has(&prop, "okay");
			if (prop.len && prop.len < 40 && !memchr(prop.data, 0, prop.len - 1))
				dt_find_path(&other, dt, prop.data, prop.len);
			if (prop.len >= 4)
				dt_number(prop.data, prop.len / 4);
		}
	}
	dt_start(&it, dt);
	dt_find_compatible(&it, "arm,pl011");
	dt_start(&it, dt);
	dt_find_phandle(&it, 0x77);
	dt_find_path(&it, dt, "serial1", 7);
}

static void damage(u8 *p, u32 size)
{
	static const u32 values[] = {0,          1,          2,          3,          4,   9,
				     0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff4, 0x40};

	for (unsigned int n = 1 + random_below(4); n > 0; n--) {
		u32 at = random_below(size);

		if (random_below(3))
			p[at] ^= (u8)(1 << random_below(8));
		else if (at + 4 <= size)
			put32(p + ALIGN_DOWN(at, 4), values[random_below(ARRAY_SIZE(values))]);
	}
}

static void damaged_trees_do_no_harm(void **state)
{
	struct tree good = open_board();
	unsigned int accepted = 0, refused = 0;

	(void)state;
	for (unsigned int i = 0; i < 6000; i++) {
		struct tree t = tree_from(good.blob, good.size);

		/* Some trees are cut off, with a header that knows it or not. */
		if (random_below(8) == 0) {
			u32 size = random_below(good.size);

			free(t.blob);
			t = tree_from(good.blob, size);
			if (size >= 40 && random_below(2))
				put32(t.blob + TOTALSIZE, size);
		}
		if (t.size)
			damage(t.blob, t.size);
		if (dt_check(&t.dt, t.blob, t.size, why, sizeof(why))) {
			assert_true(strlen(why) > 0);
			refused++;
		} else {
			use_everything(&t.dt);
			accepted++;
		}
		free(t.blob);
	}
	assert_true(accepted > 500 && refused > 500);
	free(good.blob);
}

/* Past the gate the iterators still mind every bound: for a tree that changes after it was checked.
 */
static void iterators_check_for_themselves(void **state)
{
	struct tree good = open_board();

	(void)state;
	for (unsigned int i = 0; i < 4000; i++) {
		struct tree t = tree_from(good.blob, good.size);

		assert_int_equal(dt_check(&t.dt, t.blob, t.size, why, sizeof(why)), 0);
		damage(t.blob + 40, t.size - 40);
		/* What stays true because it is kept apart from the tree: where names end. */
		t.blob[get32(t.blob + OFF_STRINGS) + get32(t.blob + SIZE_STRINGS) - 1] = 0;
		use_everything(&t.dt);
		free(t.blob);
	}
	free(good.blob);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(walk_agrees_with_libfdt),
		cmocka_unit_test(paths_lead_to_their_nodes),
		cmocka_unit_test(paths_may_be_short),
		cmocka_unit_test(nodes_are_found_by_what_they_say),
		cmocka_unit_test(properties_are_read),
		cmocka_unit_test(tuples_of_twelve_bytes),
		cmocka_unit_test(ranges_are_followed),
		cmocka_unit_test(reservation_block_is_listed),
		cmocka_unit_test(secrets_are_wiped),
		cmocka_unit_test(wrong_headers_are_refused),
		cmocka_unit_test(version_16_is_read),
		cmocka_unit_test(broken_structures_are_named),
		cmocka_unit_test(deep_nesting_costs_no_stack),
		cmocka_unit_test(damaged_trees_do_no_harm),
		cmocka_unit_test(iterators_check_for_themselves),
	};

	return cmocka_run_group_tests(tests, random_setup, NULL);
}
