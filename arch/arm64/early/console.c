/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A first console, for a kernel that comes to its end before it has one. It is looked for when
 * there is something to say, and not before: a boot that goes well never comes here.
 *
 * Runs at the physical address, with the MMU off and memory Device: no exclusives, no unaligned
 * access, no DC ZVA; and no variables, for BSS is not clear, or not ours any more. What is probed
 * may fault: extable_fixup() is served by head.S. (Where the MMU was on and could not be switched
 * off it still is; then no device is touched that does not map to itself.)
 */
#include <asm/boot.h>
#include <asm/cache.h>
#include <asm/earlycon.h>
#include <asm/memory.h>
#include <asm/page.h>
#include <asm/probe.h>
#include <asm/ptrace.h>
#include <asm/sections.h>
#include <lib/cmdline.h>
#include <lib/dt.h>
#include <lib/kernel.h>
#include <lib/printk.h>
#include <lib/string.h>

#define FDT_MAGIC    0xd00dfeed
#define FDT_MAGIC_LE 0xedfe0dd0
/* The largest tree that is looked at, more than is accepted: it may name a console. */
#define TREE_SIZE_MAX SZ_16M
/* How far from the image a tree is looked for when x0 has none. Loaders keep closer. */
#define SEARCH_REACH (256 * SZ_1M)

struct report {
	bool log; /* the log, which is there already, goes before the text */
	size_t len;
	char text[1024];
};

static void add(struct report *r, const char *fmt, ...) __printf(2, 3);
static void __init add(struct report *r, const char *fmt, ...)
{
	size_t room = sizeof(r->text) - r->len;
	va_list ap;

	va_start(ap, fmt);
	r->len += min((size_t)vsnprintf(r->text + r->len, room, fmt, ap), room - 1);
	va_end(ap);
}

/* ---- the tree ---- */

static bool __init read_word(phys_addr_t at, u32 *value)
{
	return probe_read_u32((const volatile u32 *)at, value);
}

/* To be read past the caches: nothing that a loader wrote may be left in them. False where it is
 * not memory, at least in part. */
static bool __init readable(phys_addr_t at, size_t size)
{
	u32 word;

	for (phys_addr_t p = at & ~(phys_addr_t)3; p < at + size; p = (p | ~PAGE_MASK) + 1)
		if (!read_word(p, &word))
			return false;
	dcache_clean_inval_poc((void *)at, (void *)(at + size));
	return true;
}

static bool __init open_tree(struct dt *dt, phys_addr_t tree)
{
	char why[80];
	u32 word, size;

	if (!tree || tree & 3 || !readable(tree, DT_HEADER_SIZE) || !read_word(tree, &word) ||
	    word != FDT_MAGIC_LE || !read_word(tree + 4, &size))
		return false;
	size = __builtin_bswap32(size);
	return size <= TREE_SIZE_MAX && readable(tree, size) &&
	       !dt_blocks(dt, (const void *)tree, size, why, sizeof(why));
}

/* Look at each page from one on, until a tree is found, or no more memory. */
static bool __init search_tree(struct dt *dt, phys_addr_t from, long step)
{
	for (phys_addr_t at = from; at - from + SEARCH_REACH < 2 * SEARCH_REACH; at += step) {
		if (!at || !readable(at, 4))
			return false;
		if (open_tree(dt, at))
			return true;
	}
	return false;
}

static bool __init find_tree(struct dt *dt, phys_addr_t tree)
{
	phys_addr_t image = (phys_addr_t)_text;

	return (maps_itself(tree) && open_tree(dt, tree)) ||
	       search_tree(dt, PAGE_ALIGN((phys_addr_t)image_end()), PAGE_SIZE) ||
	       search_tree(dt, image - PAGE_SIZE, -(long)PAGE_SIZE);
}

static const char *__init chosen(const struct dt *dt, const char *name)
{
	struct dt_prop prop;
	struct dt_iter it;

	return dt_find_path(&it, dt, "/chosen", 7) && dt_prop(dt, it.node, name, &prop)
		       ? dt_string(&prop)
		       : NULL;
}

/* ---- the console ---- */

static bool __init read_device(phys_addr_t at, u32 *value)
{
	return maps_itself(at) && read_word(at, value);
}

static bool __init speak(struct earlycon_device *dev, const struct report *r)
{
	const char *line;
	unsigned long pos = 0;
	size_t len;

	if (earlycon_check(dev) || (dev->driver->window && !maps_itself(dev->phys)))
		return false;
	dev->base = (volatile u8 *)dev->phys;
	if (dev->driver->setup(dev) || dev->stuck)
		return false;
	while (r->log && (line = printk_next(&pos, &len)))
		earlycon_write(dev, line, len);
	earlycon_write(dev, r->text, r->len);
	return !dev->stuck;
}

/* On the first console of that kind that is enabled; NULL: on all, of any kind. */
static bool __init speak_on_any(const struct dt *dt, const char *compatible, const struct report *r)
{
	struct earlycon_device dev;
	struct dt_iter it;
	bool spoke = false;

	dt_start(&it, dt);
	while (!(compatible && spoke) &&
	       (compatible ? dt_find_compatible(&it, compatible) : dt_next_node(&it)))
		if (dt_available(dt, it.node) && !earlycon_from_node(&dev, &it))
			spoke |= speak(&dev, r);
	return spoke;
}

/* As it says behind earlycon= in args. */
static bool __init speak_as_told(const char *args, const struct dt *dt, const struct report *r)
{
	struct earlycon_device dev;
	const char *spec;
	size_t len;

	spec = args ? cmdline_value(args, "earlycon", &len) : NULL;
	if (!spec || !len)
		return false;
	if (len == 3 && !memcmp(spec, "all", 3))
		return dt && speak_on_any(dt, NULL, r);
	return !earlycon_parse(&dev, spec, len) && speak(&dev, r);
}

static bool __init speak_on_stdout(const struct dt *dt, const struct report *r)
{
	const char *path = chosen(dt, "stdout-path") ?: chosen(dt, "linux,stdout-path");
	struct earlycon_device dev;

	return path && !earlycon_from_path(&dev, dt, path) && speak(&dev, r);
}

static void __init say(const struct report *r, phys_addr_t tree)
{
	const char *uart;
	struct dt dt;

	if (speak_as_told(user_options(), NULL, r) || !find_tree(&dt, tree) ||
	    speak_as_told(user_options(), &dt, r))
		return;
	if (speak_as_told(chosen(&dt, "bootargs"), &dt, r) || speak_on_stdout(&dt, r))
		return;
	uart = earlycon_on_pins(&dt, read_device);
	if (uart)
		speak_on_any(&dt, uart, r);
}

/* ---- what to say ---- */

/* The image runs where it was linked for, so that relocation changes no word of it before
 * early_report(). */
bool image_intact(void)
{
	return sum_words(boot_options + BOOT_OPTIONS_SIZE, __end_constants) == image_sum;
}

static void __init explain(struct report *r, u64 reason, const u64 *v)
{
	char what[80];

	switch (reason) {
	case BOOT_NO_GRANULE:
		add(r, "this CPU has no translation granule of %lu KiB (ID_AA64MMFR0_EL1 0x%lx)",
		    PAGE_SIZE >> 10, v[0]);
		return;
	case BOOT_IMAGE_TOO_HIGH:
		add(r,
		    "the image ends at 0x%lx, beyond this CPU's physical addresses or 48 bits; load it lower",
		    v[0]);
		return;
	case BOOT_MISALIGNED:
		add(r,
		    "loaded at 0x%lx, which is no multiple of 2 MiB (U-Boot: booti puts it right, so does kernel_addr_r=0x%lx; "
		    "Pi: kernel_address=0x200000)",
		    v[0], ALIGN(v[0], SZ_2M));
		return;
	case BOOT_MMU_ON:
		add(r,
		    "entered with the MMU on (SCTLR 0x%lx), and the image is not mapped 1:1 (U-Boot: use booti, not go)",
		    v[0]);
		return;
	case BOOT_RUN_BEFORE:
		add(r, "this copy of the image has run before; load it anew");
		return;
	default:
		describe_esr(v[0], what, sizeof(what));
		add(r,
		    "%s before the kernel could say so itself: ESR 0x%lx, pc 0x%lx (image + 0x%lx), FAR 0x%lx",
		    what, v[0], v[1], v[1] - (v[1] >> 63 ? KIMAGE_VADDR : (unsigned long)_text),
		    v[2]);
	}
}

static __noinline void __init report(u64 reason, const u64 *v, bool intact, phys_addr_t tree)
{
	struct report r;

	/* What holds addresses holds physical ones from here on. */
	relocate_kernel();
	/* Firmware's SError is not a probe's. */
	probe_pending_serror();
	r.len = 0;
	r.log = log_tells;
	if (!r.log) {
		add(&r, "preflight: ");
		explain(&r, reason, v);
		add(&r, "\n");
	}
	if (!intact)
		add(&r, "preflight: " IMAGE_DAMAGED "\n");
	if (!r.log)
		add(&r, "preflight: stopped, reason %lu\n", reason);
	say(&r, tree);
}

/* Not init text: of an image that has run before that may be somebody else's. As long as it was
 * not, it is either intact, or was relocated by the end of that run. */
void early_report(u64 reason, u64 v1, u64 v2, u64 v3, phys_addr_t tree)
{
	const u64 v[] = {v1, v2, v3};
	bool intact = relocated_by || (log_tells && image_checked) || image_intact();

	if (intact || reason != BOOT_RUN_BEFORE)
		report(reason, v, intact, tree);
}

/* ---- a tree that cannot stay where it is ---- */

static u32 __init header_word(const u8 *h, unsigned int word)
{
	return (u32)h[4 * word] << 24 | (u32)h[4 * word + 1] << 16 | (u32)h[4 * word + 2] << 8 |
	       h[4 * word + 3];
}

/* Bytes of the tree at p that count: loaders like to leave room behind it. 0: none that can be
 * moved. */
static size_t __init tree_size(const volatile u8 *p)
{
	u8 h[40];
	u32 total, end;

	/* Twice: what is no memory must not be cleaned, and what is not clean tells nothing. */
	for (size_t i = 0; i < 2 * sizeof(h); i++) {
		if (i == sizeof(h))
			dcache_clean_inval_poc((const void *)p, (const void *)(p + sizeof(h)));
		if (!probe_read_u8(p + i % sizeof(h), &h[i % sizeof(h)]))
			return 0;
	}
	total = header_word(h, 1);
	if (header_word(h, 0) != FDT_MAGIC || total > DT_MAX_SIZE)
		return 0;
	/* Before version 17 the structure block's size is not known. */
	if (header_word(h, 5) < 17)
		return ALIGN(total, 8);
	/* Structure and strings blocks; the reservations, of which no size is known, before them.
	 */
	end = max(header_word(h, 2) + header_word(h, 9), header_word(h, 3) + header_word(h, 8));
	return header_word(h, 4) < header_word(h, 2) && end <= total ? ALIGN(end, 8) : 0;
}

phys_addr_t __init early_rescue_tree(phys_addr_t tree)
{
	phys_addr_t end;
	size_t size;
	/* Elsewhere in any case: that is how it is known later. */
	char *to = __brk_start + (tree == (phys_addr_t)__brk_start ? 64 : 0);

	/* Before it could be a probe's. */
	boot_status.serror = take_serror();
	size = tree_size((const volatile u8 *)tree);
	end = tree + size;
	/* What meets the file part has spoilt it, or is spoilt; the other end may be this stack's.
	 */
	if (!size || size > BRK_FOR_TREE ||
	    (tree < (phys_addr_t)_edata && end > (phys_addr_t)_text) ||
	    (tree < (phys_addr_t)init_stack_end &&
	     end > (phys_addr_t)image_end() - EARLY_STACK_SIZE))
		return tree;
	if ((!(tree & 7) && end <= (phys_addr_t)_text) || !readable(tree, size))
		return tree;
	dcache_clean_inval_poc(to, to + size);
	memmove(to, (const void *)tree, size);
	((u32 *)to)[1] = __builtin_bswap32((u32)size);
	dcache_clean_inval_poc(to, to + size);
	boot_status.rescued = (u64)(to + size - __brk_start);
	return (phys_addr_t)to;
}
