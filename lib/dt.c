/* SPDX-License-Identifier: BSD-2-Clause */
#include <lib/dt.h>
#include <lib/errno.h>
#include <lib/kernel.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <libfdt.h>

/* Versions whose structure block has FDT_PROP in today's form. libfdt 1.6.1 crashes on trees below
 * the first. */
#define DT_VERSION_MIN 16
#define DT_VERSION     17

/* Where a property's value begins, counted from its token: tag, length, offset of the name. */
#define PROP_HEADER 12

typedef u32 __attribute__((may_alias)) cell_t;

static u32 cell(const void *p)
{
	return __builtin_bswap32(*(const cell_t *)p);
}

u64 dt_number(const void *data, unsigned int count)
{
	const u8 *p = data;
	u64 value = 0;

	for (; count > 0; count--, p += 4)
		value = value << 32 | cell(p);
	return value;
}

/* ---- walking ---- */

void dt_start(struct dt_iter *it, const struct dt *dt)
{
	it->dt = dt;
	it->pos = 0;
	it->node = 0;
	it->depth = -1;
	it->level = 0;
	it->name = "";
	it->broken = NULL;
}

static bool stop_walk(struct dt_iter *it, u32 pos, const char *why)
{
	it->pos = pos;
	it->broken = why;
	return false;
}

/* Offset behind the string at pos and its padding, or 0 when it does not end inside the block. A
 * cell at a time. */
static u32 skip_string(const struct dt *dt, u32 pos)
{
	const u8 *p = dt->structs + pos, *end = dt->structs + dt->struct_size;

	for (; end - p >= 4; p += 4) {
		u32 four = *(const cell_t *)p;

		if ((four - 0x01010101) & ~four & 0x80808080)
			return (u32)(p + 4 - dt->structs);
	}
	return 0;
}

static bool enter_node(struct dt_iter *it, u32 pos)
{
	u32 next = skip_string(it->dt, pos + 4);

	if (it->level == 0 && it->depth >= 0)
		return stop_walk(it, pos, "a second root node");
	if (!next)
		return stop_walk(it, pos, "a node name without end");
	it->node = pos;
	it->name = (const char *)it->dt->structs + pos + 4;
	it->depth = it->level++;
	if (it->depth < DT_BUS_DEPTH)
		it->up[it->depth] = pos;
	it->pos = next;
	return true;
}

/* Offset behind the property at pos, or 0 when not all of it is inside; its token is known to be.
 */
static __force_inline u32 skip_prop(const struct dt *dt, u32 pos)
{
	u32 left = dt->struct_size - pos, len;

	if (left < PROP_HEADER)
		return 0;
	len = cell(dt->structs + pos + 4);
	if (len > left - PROP_HEADER || cell(dt->structs + pos + 8) >= dt->strings_limit)
		return 0;
	return pos + PROP_HEADER + ALIGN(len, 4);
}

/* Why skip_prop() was 0. */
static const char *prop_fault(const struct dt *dt, u32 pos)
{
	u32 left = dt->struct_size - pos;

	if (left < PROP_HEADER || cell(dt->structs + pos + 4) > left - PROP_HEADER)
		return "a property longer than the structure block";
	return "a property whose name is not in the strings block";
}

bool dt_next_node(struct dt_iter *it)
{
	const struct dt *dt = it->dt;
	u32 pos = it->pos, next, room = dt->struct_size;

	if (it->broken)
		return false;
	/* Where padding ends behind the block pos can pass its end by 3 bytes. */
	for (; pos + 4 <= room; pos = next) {
		u32 tag = cell(dt->structs + pos);

		next = pos + 4;
		if (tag == FDT_PROP) {
			if (it->level == 0)
				return stop_walk(it, pos, "a property outside a node");
			next = skip_prop(dt, pos);
			if (!next)
				return stop_walk(it, pos, prop_fault(dt, pos));
		} else if (tag == FDT_BEGIN_NODE) {
			return enter_node(it, pos);
		} else if (tag == FDT_END_NODE) {
			if (it->level == 0)
				return stop_walk(it, pos, "more nodes end than begin");
			it->level--;
		} else if (tag == FDT_END) {
			if (it->level || it->depth < 0)
				return stop_walk(it, pos, "FDT_END in place of a node's end");
			it->pos = pos;
			return false;
		} else if (tag != FDT_NOP) {
			return stop_walk(it, pos, "an unknown token");
		}
	}
	return stop_walk(it, pos, "no FDT_END");
}

/* The property at pos or behind NOPs there: offset behind it; 0 for another token or a fault. */
static u32 read_prop(const struct dt *dt, u32 pos, struct dt_prop *prop)
{
	const u8 *p = dt->structs + pos;
	u32 tag = FDT_NOP;

	for (; pos + 4 <= dt->struct_size; pos += 4, p += 4) {
		tag = cell(p);
		if (tag != FDT_NOP)
			break;
	}
	if (tag != FDT_PROP)
		return 0;
	pos = skip_prop(dt, pos);
	if (pos) {
		prop->name = dt->strings + cell(p + 8);
		prop->data = p + PROP_HEADER;
		prop->len = cell(p + 4);
	}
	return pos;
}

bool dt_next_prop(struct dt_iter *it, struct dt_prop *prop)
{
	u32 next = it->broken || it->level == 0 ? 0 : read_prop(it->dt, it->pos, prop);

	if (next)
		it->pos = next;
	return next != 0;
}

bool dt_seek(struct dt_iter *it, const struct dt *dt, u32 node)
{
	dt_start(it, dt);
	while (dt_next_node(it))
		if (it->node >= node)
			return it->node == node;
	return false;
}

/* ---- the gate ---- */

/* Copy a name, harmless to print and without what separates path components. */
static size_t put_name(char *buf, size_t at, size_t size, const char *name)
{
	for (; *name && at + 1 < size; name++)
		buf[at++] = *name <= ' ' || *name > '~' || *name == '/' ? '?' : *name;
	return at;
}

size_t dt_path(const struct dt_iter *it, char *buf, size_t size)
{
	size_t len = 0;

	for (int depth = 1; depth <= it->depth && depth < DT_BUS_DEPTH; depth++) {
		if (len + 1 < size)
			buf[len++] = '/';
		len = put_name(buf, len, size, (const char *)it->dt->structs + it->up[depth] + 4);
	}
	if (len == 0 && size > 1)
		buf[len++] = '/';
	buf[len] = '\0';
	return len;
}

static int say(char *why, size_t size, const char *what, u32 value)
{
	scnprintf(why, size, what, value);
	return -EINVAL;
}

/*
 * The full check, once: libfdt's walk over all tokens, each of which it bounds, and what must hold
 * between them. Offset of FDT_END, or -1 for a broken tree. That the walk goes forward is looked
 * after here: a property of 0xfffffff4 bytes leads libfdt 1.6.1 round in a circle.
 */
static int find_end(const struct dt *dt)
{
	int level = 0, nodes = 0, pos = 0, next;

	for (;; pos = next) {
		u32 tag = fdt_next_tag(dt->blob, pos, &next);

		if (next <= pos)
			return -1;
		if (tag == FDT_PROP) {
			if (!level || cell(dt->structs + pos + 8) >= dt->strings_limit)
				return -1;
		} else if (tag == FDT_BEGIN_NODE) {
			if (!level++ && (nodes++ || dt->structs[pos + 4]))
				return -1;
		} else if (tag == FDT_END_NODE) {
			if (!level--)
				return -1;
		} else if (tag == FDT_END) {
			return level || !nodes ? -1 : pos;
		}
	}
}

/* Say where the tree is broken: our own walk knows node and property. */
static int say_place(const struct dt *dt, char *why, size_t size)
{
	struct dt_prop prop = {.name = NULL};
	struct dt_iter it;
	size_t at;

	dt_start(&it, dt);
	while (dt_next_node(&it)) {
		prop.name = NULL;
		while (dt_next_prop(&it, &prop))
			;
	}
	at = (size_t)scnprintf(why, size, "%s at offset 0x%x, in node ",
			       it.broken ?: "a root node with a name, or what libfdt refuses",
			       it.pos);
	at += dt_path(&it, why + at, size - at);
	if (prop.name && at + 1 < size) {
		at += (size_t)scnprintf(why + at, size - at, " behind property ");
		at = put_name(why, at, size, prop.name);
		why[at] = '\0';
	}
	return -EINVAL;
}

static int check_blocks(const struct dt *dt, char *why, size_t size)
{
	u64 addr, len;
	u32 rsv = 0;
	int end;

	while (dt_mem_rsv(dt, rsv, &addr, &len))
		rsv++;
	if (rsv == dt->rsv_count)
		return say(why, size, "the memory reservation block has no end", 0);
	end = find_end(dt);
	if (end < 0)
		return say_place(dt, why, size);
	/* Values are changed in place (dt_wipe()): entries must not be among them. */
	if (dt->rsvmap < dt->structs + end && dt->structs < dt->rsvmap + (rsv + 1) * (size_t)16)
		return say(why, size, "the reservation block overlaps the structure block", 0);
	return 0;
}

/* True when a block of len bytes at off lies in the tree, behind the header. */
static bool block_inside(u32 off, u32 len, u32 total)
{
	return off >= FDT_V16_SIZE && off <= total && len <= total - off;
}

int dt_header(const void *fdt, u32 *total, char *why, size_t size)
{
	const u8 *h = fdt;

	if ((uintptr_t)h % 8)
		return say(why, size, "its address is not 8-byte aligned", 0);
	if (cell(h) != FDT_MAGIC)
		return say(why, size, "no device tree there: its magic is 0x%08x, not d00dfeed",
			   cell(h));
	*total = cell(h + offsetof(struct fdt_header, totalsize));
	if (*total > DT_MAX_SIZE || *total < DT_HEADER_SIZE)
		return say(why, size, "its size 0x%x is not between 40 bytes and 2 MiB", *total);
	if (cell(h + offsetof(struct fdt_header, version)) < DT_VERSION_MIN)
		return say(why, size, "its version %u is older than 16",
			   cell(h + offsetof(struct fdt_header, version)));
	if (cell(h + offsetof(struct fdt_header, last_comp_version)) > DT_VERSION)
		return say(why, size, "it needs a reader of version %u, this one knows 17",
			   cell(h + offsetof(struct fdt_header, last_comp_version)));
	return 0;
}

int dt_blocks(struct dt *dt, const void *fdt, u32 total, char *why, size_t size)
{
	const u8 *h = fdt;
	u32 structs = cell(h + offsetof(struct fdt_header, off_dt_struct));
	u32 strings = cell(h + offsetof(struct fdt_header, off_dt_strings));
	u32 rsvmap = cell(h + offsetof(struct fdt_header, off_mem_rsvmap));
	u32 strings_size = cell(h + offsetof(struct fdt_header, size_dt_strings));
	u32 struct_size = cell(h + offsetof(struct fdt_header, size_dt_struct));

	/* Version 16 does not state the structure block's size. */
	if (cell(h + offsetof(struct fdt_header, version)) < 17)
		struct_size = structs <= total ? total - structs : 0;
	if (structs % 4 || !block_inside(structs, struct_size, total))
		return say(why, size, "the structure block at 0x%x is misaligned or not inside",
			   structs);
	if (!block_inside(strings, strings_size, total))
		return say(why, size, "the strings block at 0x%x is not inside", strings);
	if (rsvmap % 8 || !block_inside(rsvmap, 16, total))
		return say(why, size, "the reservation block at 0x%x is misaligned or not inside",
			   rsvmap);

	while (strings_size > 0 && h[strings + strings_size - 1])
		strings_size--;
	*dt = (struct dt){
		.blob = h,
		.structs = h + structs,
		.rsvmap = h + rsvmap,
		.strings = (const char *)h + strings,
		.struct_size = struct_size,
		.strings_limit = strings_size,
		.rsv_count = (total - rsvmap) / 16,
		.size = total,
	};
	return 0;
}

int dt_check(struct dt *dt, const void *fdt, size_t mapped, char *why, size_t size)
{
	u32 total;
	int error;

	if (mapped < DT_HEADER_SIZE)
		return say(why, size, "only %u bytes, less than a header", (u32)mapped);
	if (dt_header(fdt, &total, why, size))
		return -EINVAL;
	if (total > mapped)
		return say(why, size, "its size 0x%x does not fit what is there", total);
	error = dt_blocks(dt, fdt, total, why, size);
	return error ? error : check_blocks(dt, why, size);
}

/* ---- properties ---- */

bool dt_prop(const struct dt *dt, u32 node, const char *name, struct dt_prop *prop)
{
	u32 pos = skip_string(dt, node + 4);

	while (pos && (pos = read_prop(dt, pos, prop)) != 0)
		if (prop->name[0] == name[0] && !strcmp(prop->name, name))
			return true;
	return false;
}

u32 dt_u32(const struct dt *dt, u32 node, const char *name, u32 otherwise)
{
	struct dt_prop prop;

	return dt_prop(dt, node, name, &prop) && prop.len == 4 ? cell(prop.data) : otherwise;
}

struct dt_cells dt_cells(const struct dt *dt, u32 node, struct dt_cells otherwise)
{
	return (struct dt_cells){dt_u32(dt, node, "#address-cells", otherwise.addr),
				 dt_u32(dt, node, "#size-cells", otherwise.size)};
}

bool dt_has(const struct dt_iter *it, const char *name)
{
	struct dt_prop prop;

	return dt_prop(it->dt, it->node, name, &prop);
}

const char *dt_string(const struct dt_prop *prop)
{
	return prop->len && memchr(prop->data, 0, prop->len) ? prop->data : NULL;
}

bool dt_list_has(const struct dt_prop *prop, const char *s)
{
	const char *p = prop->data;
	size_t left = prop->len;
	size_t len = strlen(s) + 1;

	while (left >= len) {
		size_t member = strnlen(p, left) + 1;

		if (member == len && !memcmp(p, s, len))
			return true;
		if (member > left)
			return false;
		p += member;
		left -= member;
	}
	return false;
}

bool dt_available(const struct dt *dt, u32 node)
{
	struct dt_prop prop;

	return !dt_prop(dt, node, "status", &prop) || dt_list_has(&prop, "okay") ||
	       dt_list_has(&prop, "ok");
}

void dt_wipe(const struct dt_prop *prop)
{
	memset((void *)(uintptr_t)prop->data, 0, prop->len);
}

/* ---- finding nodes ---- */

/* True when the path component [part, part + len) names a node called name. */
static bool component_is(const char *part, size_t len, const char *name)
{
	if (strncmp(part, name, len))
		return false;
	return name[len] == '\0' || (name[len] == '@' && !memchr(part, '@', len));
}

bool dt_name_is(const char *node_name, const char *name)
{
	return component_is(name, strlen(name), node_name);
}

/* Go from the node the iterator stands on to the one at path below it. */
static bool find_below(struct dt_iter *it, const char *path, const char *end)
{
	for (int depth = it->depth;; depth++) {
		const char *part;

		while (path < end && *path == '/')
			path++;
		if (path == end)
			return true;
		part = path;
		while (path < end && *path != '/')
			path++;
		do {
			if (!dt_next_node(it) || it->depth <= depth)
				return false;
		} while (it->depth != depth + 1 ||
			 !component_is(part, (size_t)(path - part), it->name));
	}
}

/* Stand on the node that the alias [path, end) stands for. */
static bool find_alias(struct dt_iter *it, const struct dt *dt, const char *alias, size_t len)
{
	struct dt_prop prop;

	if (!dt_find_path(it, dt, "/aliases", 8))
		return false;
	while (dt_next_prop(it, &prop)) {
		const char *target = dt_string(&prop);

		if (strncmp(prop.name, alias, len) || prop.name[len])
			continue;
		/* An alias is an absolute path, so that this ends. */
		return target && target[0] == '/' && dt_find_path(it, dt, target, strlen(target));
	}
	return false;
}

bool dt_find_path(struct dt_iter *it, const struct dt *dt, const char *path, size_t len)
{
	const char *end = path + len;
	size_t alias = 0;

	if (len == 0)
		return false;
	if (path[0] == '/') {
		dt_start(it, dt);
		return dt_next_node(it) && find_below(it, path, end);
	}
	while (alias < len && path[alias] != '/')
		alias++;
	return find_alias(it, dt, path, alias) && find_below(it, path + alias, end);
}

bool dt_find_phandle(struct dt_iter *it, u32 phandle)
{
	struct dt_prop prop;

	while (dt_next_node(it))
		while (dt_next_prop(it, &prop))
			if (prop.len == 4 && cell(prop.data) == phandle &&
			    (!strcmp(prop.name, "phandle") || !strcmp(prop.name, "linux,phandle")))
				return true;
	return false;
}

bool dt_compatible(const struct dt_iter *it, const char *compatible)
{
	struct dt_prop prop;

	return dt_prop(it->dt, it->node, "compatible", &prop) && dt_list_has(&prop, compatible);
}

bool dt_find_compatible(struct dt_iter *it, const char *compatible)
{
	while (dt_next_node(it))
		if (dt_compatible(it, compatible))
			return true;
	return false;
}

/* ---- addresses ---- */

bool dt_tuple(const struct dt_prop *prop, struct dt_cells cells, unsigned int index, u64 *addr,
	      u64 *size)
{
	u32 tuple = (cells.addr + cells.size) * 4;
	const u8 *p;

	if (cells.addr - 1 > 1 || cells.size > 2 || index >= prop->len / tuple)
		return false;
	p = (const u8 *)prop->data + index * tuple;
	*addr = dt_number(p, cells.addr);
	*size = dt_number(p + cells.addr * 4, cells.size);
	return true;
}

bool dt_reg(const struct dt_iter *it, unsigned int index, u64 *addr, u64 *size)
{
	struct dt_prop reg;

	if (it->depth < 1 || it->depth >= DT_BUS_DEPTH || !dt_prop(it->dt, it->node, "reg", &reg))
		return false;
	return dt_tuple(&reg, dt_cells(it->dt, it->up[it->depth - 1], DT_CELLS_DEFAULT), index,
			addr, size);
}

/* Translate *addr from the children of node bus to its siblings. */
static bool leave_bus(const struct dt *dt, u32 bus, u32 parent, bool dma, u64 *addr)
{
	struct dt_cells cells;
	struct dt_prop ranges;
	u32 above, tuple;
	const u8 *p;

	if (!dt_prop(dt, bus, dma ? "dma-ranges" : "ranges", &ranges))
		return dma;
	if (ranges.len == 0)
		return true;
	cells = dt_cells(dt, bus, DT_CELLS_DEFAULT);
	above = dt_u32(dt, parent, "#address-cells", 2);
	if (!cells_usable(cells) || above - 1 > 1)
		return false;
	tuple = (cells.addr + above + cells.size) * 4;
	p = ranges.data;
	for (u32 left = ranges.len / tuple; left > 0; left--, p += tuple) {
		u64 base = dt_number(p, cells.addr);

		if (*addr < base ||
		    *addr - base >= dt_number(p + (cells.addr + above) * 4, cells.size))
			continue;
		*addr = dt_number(p + cells.addr * 4, above) + (*addr - base);
		return true;
	}
	return false;
}

bool dt_translate(const struct dt_iter *it, bool dma, u64 *addr)
{
	if (it->depth < 1 || it->depth >= DT_BUS_DEPTH)
		return false;
	for (int depth = it->depth - 1; depth > 0; depth--)
		if (!leave_bus(it->dt, it->up[depth], it->up[depth - 1], dma, addr))
			return false;
	return true;
}

bool dt_mem_rsv(const struct dt *dt, u32 index, u64 *addr, u64 *size)
{
	const u8 *entry = dt->rsvmap + (size_t)index * 16;

	if (index >= dt->rsv_count)
		return false;
	*addr = dt_number(entry, 2);
	*size = dt_number(entry + 8, 2);
	return *size != 0;
}
