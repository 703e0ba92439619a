/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flattened device tree, read where it lies: no memory is allocated, nothing is cached, nothing
 * recurses. dt_check() is the gate: libfdt walks all of the tree, once, and bounds each token. From
 * then on cheap iterators walk the blocks; they check every bound all the same and stop, saying
 * why, at the first token that makes no sense. Sources: Devicetree Specification 0.4, chapter 5
 * (the format), 2.3 (standard properties), 3 (node types).
 *
 * A node is named by the offset of its FDT_BEGIN_NODE in the structure block. A struct dt_iter
 * stands on one node and knows its ancestors. Names, strings and property values are pointers into
 * the tree, property values aligned to 4 bytes.
 */
#ifndef LIB_DT_H
#define LIB_DT_H

#include <lib/compiler.h>
#include <lib/types.h>

#define DT_MAX_SIZE    0x200000 /* the arm64 boot protocol's limit for a tree, bytes */
#define DT_HEADER_SIZE 40
#define DT_BUS_DEPTH                                                                               \
	64 /* nodes nested deeper have no address: reg and ranges are not resolved for them */

struct dt {
	const u8 *blob;    /* the header */
	const u8 *structs; /* structure block */
	const u8 *rsvmap;  /* memory reservation block */
	const char *strings;
	u32 struct_size;
	u32 strings_limit; /* a property name that starts below this ends inside the strings block
			    */
	u32 rsv_count; /* entries that fit between the reservation block and the end of the tree */
	u32 size;      /* totalsize in bytes */
};

struct dt_prop {
	const char *name;
	const void *data;
	u32 len; /* bytes */
};

struct dt_iter {
	const struct dt *dt;
	u32 pos;              /* next token, offset in the structure block */
	u32 node;             /* the node it stands on */
	int depth;            /* of that node; the root has 0, before the first node it is -1 */
	int level;            /* nodes open at pos */
	const char *name;     /* of the node, with unit address; "" for the root */
	const char *broken;   /* why the walk ended, NULL when at the tree's end */
	u32 up[DT_BUS_DEPTH]; /* the node at each depth on the way from the root, up to depth */
};

/* Cells of addresses and sizes of a node's children. */
struct dt_cells {
	u32 addr, size;
};
#define DT_CELLS_DEFAULT ((struct dt_cells){2, 1})

/* A range of memory has 1 or 2 of each. */
static inline bool cells_usable(struct dt_cells cells)
{
	return cells.addr - 1 <= 1 && cells.size - 1 <= 1;
}

/*
 * Check the tree at fdt, of which mapped bytes can be read, and set up *dt for it. 0, or -EINVAL
 * with the reason in why (node and property where they can be told).
 */
int dt_check(struct dt *dt, const void *fdt, size_t mapped, char *why, size_t size);
/* What of it concerns the header, DT_HEADER_SIZE bytes: *total becomes the tree's size, DT_MAX_SIZE
 * bytes at most. */
int dt_header(const void *fdt, u32 *total, char *why, size_t size);
/* The part of it that needs no libfdt, which cannot run before the MMU is on: where the blocks of a
 * tree of total bytes lie, whatever else its header says. What they hold is bounded by whoever
 * walks it. fdt: a multiple of 4. */
int dt_blocks(struct dt *dt, const void *fdt, u32 total, char *why, size_t size);

/* Stand before the root. */
void dt_start(struct dt_iter *it, const struct dt *dt);
/* Go to the next node in document order (parents before children). False at the end, and where
 * it->broken says why. */
bool dt_next_node(struct dt_iter *it);
/* The next property of the node the iterator stands on; false after the last, and at a token that
 * makes no sense: dt_next_node() says why. */
bool dt_next_prop(struct dt_iter *it, struct dt_prop *prop);
/* Go to node from wherever the iterator is: the walk starts anew. False when there is no such node.
 */
bool dt_seek(struct dt_iter *it, const struct dt *dt, u32 node);

/* Property by name; false when node has none. When the tree has several of one name the first
 * counts. */
bool dt_prop(const struct dt *dt, u32 node, const char *name, struct dt_prop *prop);

/* Number in the first count cells (big endian, 4 bytes each); of more than two cells the last two.
 * data is aligned to 4. */
u64 dt_number(const void *data, unsigned int count);
/* Value of a one-cell property, or otherwise when node has none or it is not 4 bytes long. */
u32 dt_u32(const struct dt *dt, u32 node, const char *name, u32 otherwise);
/* What the node says about cells; otherwise what it does not say. */
struct dt_cells dt_cells(const struct dt *dt, u32 node, struct dt_cells otherwise);
/* True when the node the iterator stands on has this property. */
bool dt_has(const struct dt_iter *it, const char *name);
/* A property's value as a string, NULL when no NUL ends it. Of a list of strings the first. */
const char *dt_string(const struct dt_prop *prop);
/* True when the list of strings in prop has the member s. */
bool dt_list_has(const struct dt_prop *prop, const char *s);

/*
 * Stand on the node at path (len characters): absolute, or beginning with an alias. A component
 * without unit address matches the first node of that name. False when there is none.
 */
bool dt_find_path(struct dt_iter *it, const struct dt *dt, const char *path, size_t len);
/* True when the node's compatible list has this string. */
bool dt_compatible(const struct dt_iter *it, const char *compatible);
/* Go on to the next node with this phandle, or with this string in its compatible list. False when
 * there is no further one. */
bool dt_find_phandle(struct dt_iter *it, u32 phandle);
bool dt_find_compatible(struct dt_iter *it, const char *compatible);
/* True when the node's name without unit address is name. */
bool dt_name_is(const char *node_name, const char *name);
/* True unless the node has a status other than "okay" ("ok" is accepted). Looks at this node only.
 */
bool dt_available(const struct dt *dt, u32 node);

/*
 * Tuple `index` of prop, an address and a size. False when prop is too
 * short for it, or a count of cells is not 1 or 2 (for sizes 0 to 2).
 */
bool dt_tuple(const struct dt_prop *prop, struct dt_cells cells, unsigned int index, u64 *addr,
	      u64 *size);
/*
 * Address and size of the node's tuple `index` of reg, by the cells of its parent (1 or 2 each;
 * sizes may have 0), in the parent's address space. False when there is no such tuple.
 */
bool dt_reg(const struct dt_iter *it, unsigned int index, u64 *addr, u64 *size);
/*
 * Translate *addr from the address space of the node's parent to the CPU's. An empty `ranges` is
 * the identity; where one is absent there is no way up and the answer is false. With dma set, along
 * `dma-ranges`, where absent means identity too.
 */
bool dt_translate(const struct dt_iter *it, bool dma, u64 *addr);

/* Entry `index` of the memory reservation block, bytes; false behind the last. */
bool dt_mem_rsv(const struct dt *dt, u32 index, u64 *addr, u64 *size);

/*
 * Write the full path of the node the iterator stands on to buf, cut off at size - 1 characters and
 * behind DT_BUS_DEPTH nodes; what cannot be printed becomes '?'. size is 1 at least. Returns the
 * length.
 */
size_t dt_path(const struct dt_iter *it, char *buf, size_t size);

/* Overwrite a property's value with zeros: for secrets. The tree must be mapped writable. */
void dt_wipe(const struct dt_prop *prop);

#endif
