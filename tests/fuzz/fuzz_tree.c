/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine, and one boot on it up to mem_init(). The tree lies in the fixmap's window, flush
 * against pages without access: libfdt is not instrumented, and a byte too far must show all the
 * same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <sanitizer/asan_interface.h>

#include "../host/kernel_string.h"
#include "fuzz.h"

#include <asm/boot.h>
#include <asm/cpu.h>
#include <asm/fixmap.h>
#include <asm/memory.h>
#include <asm/page.h>
#include <asm/percpu.h>
#include <asm/sections.h>
#include <asm/setup.h>
#include <asm/table.h>
#include <asm/tlb.h>
#include <lib/bug.h>
#include <mm/early_ioremap.h>
#include <mm/ledger.h>
#include <mm/mm.h>
#include <mm/vmalloc.h>

/* ---- the image: an array in the order of linker.lds ---- */

#define IMAGE_BRK  (2 * SZ_64K)
#define IMAGE_SIZE (IMAGE_BRK + SZ_1M)

char fuzz_image[IMAGE_SIZE] __aligned(4096);
__asm__(".macro at name, offset\n\t.globl \\name\n\t.set \\name, fuzz_image + \\offset\n.endm\n"
	"at _text, 0\n\tat __inittext_begin, 0x8000\n\tat __inittext_end, 0xa000\n"
	"at __start_rodata, 0xa000\n\tat __end_rodata, 0xb000\n\tat __start_ro_after_init, 0xb000\n"
	"at __end_ro_after_init, 0xc000\n\tat fuzz_edata, 0xe000\n"
	"at fuzz_bss_start, 0xe000\n"
	"at __early_tables_start, 0x18000\n\tat __early_tables_end, 0x20000\n"
	"at __brk_start, 0x20000\n");

char *fuzz_image_end;
const char boot_options[BOOT_OPTIONS_SIZE];
unsigned long kimage_voffset;

/* ---- the rest of the machine ---- */

unsigned long host_linear, host_vmalloc, host_vmemmap, host_sectmap;
unsigned int nr_cpu_ids = 1;
void (*host_unlock_hook)(void);
__thread unsigned long host_irqs_masked;
__thread unsigned int host_cpu;
pte_t init_pg_dir[PTRS_PER_TABLE] __aligned(4096);
static u64 counter;

u64 fuzz_counter(void)
{
	return counter += 10000000;
}

void unmask_serror(void)
{
}

void table_sync(void)
{
}

unsigned long host_table_publishes;

void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
	if (start >= end)
		finding("TLB flush of an empty range");
}

bool smh_call(u64 op, u64 arg, u64 *result);
bool smh_call(u64 op, u64 arg, u64 *result)
{
	(void)op;
	(void)arg;
	(void)result;
	return false;
}

/* What comes after mem_init() is not reached. */
void vmemmap_populate(unsigned long start, unsigned long end, take_page_fn take, void *arg)
{
	(void)take;
	(void)arg;
	finding("page descriptors wanted at 0x%lx-0x%lx", start, end);
}

unsigned int vmemmap_cost(unsigned long start, unsigned long end)
{
	finding("page descriptors wanted at 0x%lx-0x%lx", start, end);
}

void *ioremap_prot(phys_addr_t phys, size_t size, pgprot_t prot)
{
	(void)prot;
	finding("ioremap of 0x%zx bytes at 0x%lx", size, phys);
}

int (*monitor_getc)(void);

unsigned long console_lock(void)
{
	return 0;
}

void console_unlock(unsigned long cookie)
{
	(void)cookie;
}

/* ---- the ways to stop ---- */

const char *boot_stage;
static jmp_buf stopped;
static char stop_text[1024];

static void print_log(struct console *con, const char *text, size_t len)
{
	(void)con;
	fwrite(text, 1, len, stderr);
}

static struct console stderr_console = {"stderr", print_log};

static void finding_in_log(const char *what, const char *fmt, va_list ap) __printf(2, 0) __noreturn;
static void finding_in_log(const char *what, const char *fmt, va_list ap)
{
	console_loglevel = 0; /* the dump shows all */
	register_console(&stderr_console);
	printk_dump();
	fprintf(stderr, "FINDING in %s: %s", boot_stage, what);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	abort();
}

void finding(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	finding_in_log("", fmt, ap);
}

void bug_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d\n", file, line);
	va_start(ap, fmt);
	finding_in_log("BUG: ", fmt, ap);
}

void warn_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d\n", file, line);
	va_start(ap, fmt);
	finding_in_log("WARNING: ", fmt, ap);
}

/* A boot may end in words; formatted by the kernel's own printf. */
void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	k_vsnprintf(stop_text, sizeof(stop_text), fmt, ap);
	va_end(ap);
	longjmp(stopped, 1);
}

/* ---- state ---- */

/* The kernel's variables: sections of its objects, renamed so that they have a start and an end. */
extern char __start_kernel_data[], __stop_kernel_data[];
extern char __start_kernel_bss[], __stop_kernel_bss[];
extern char __start_kernel_init[], __stop_kernel_init[];
extern char __start_kernel_ro[], __stop_kernel_ro[];

static struct saved {
	char *start, *end, *copy;
} saved[] = {
	{__start_kernel_data, __stop_kernel_data, NULL},
	{__start_kernel_bss, __stop_kernel_bss, NULL},
	{__start_kernel_init, __stop_kernel_init, NULL},
	{__start_kernel_ro, __stop_kernel_ro, NULL},
};

/* Byte by byte past AddressSanitizer: what lies between the variables is poisoned. */
__attribute__((no_sanitize("address"))) static void copy_raw(char *to, const char *from, size_t len)
{
	unsigned long *t = (void *)to;
	const unsigned long *f = (const void *)from;

	for (size_t i = 0; i < len / sizeof(*t); i++)
		t[i] = f[i];
	for (size_t i = len / sizeof(*t) * sizeof(*t); i < len; i++)
		to[i] = from[i];
}

static bool is_saved(const void *p)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(saved); i++)
		if ((const char *)p >= saved[i].start && (const char *)p < saved[i].end)
			return true;
	return false;
}

static void save_state(void)
{
	if (!is_saved(&machine) || !is_saved(&memblock) || !is_saved(&console_loglevel) ||
	    !is_saved(&handover_fault))
		finding("the kernel's variables are not where they are saved");
	for (unsigned int i = 0; i < ARRAY_SIZE(saved); i++) {
		size_t len = (size_t)(saved[i].end - saved[i].start);

		saved[i].copy = malloc(len + 1);
		copy_raw(saved[i].copy, saved[i].start, len);
	}
}

static void restore_state(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(saved); i++)
		copy_raw(saved[i].start, saved[i].copy, (size_t)(saved[i].end - saved[i].start));
	memset(init_pg_dir, 0, sizeof(init_pg_dir));
	nr_cpu_ids = 1;
	counter = 0;
	stop_text[0] = '\0';
	/* RAM that was written: arrays that grew, zones. */
	madvise((void *)host_linear, LINEAR_SIZE, MADV_DONTNEED);
}

/* ---- the window on the tree ---- */

#define WINDOW      fix_to_virt(FIX_FDT)
#define WINDOW_SIZE (MAX_FDT_SIZE + PAGE_SIZE)

static void *reserve(unsigned long addr, unsigned long size, int prot)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (addr ? MAP_FIXED : 0);
	void *p = mmap((void *)addr, size, prot, flags, -1, 0);

	if (p == MAP_FAILED)
		finding("no address space for the machine's 0x%lx bytes", size);
	return p;
}

/* Make exactly the first pages of the window accessible. */
static void open_window(unsigned long pages)
{
	static unsigned long open;
	unsigned long low = min(pages, open), high = max(pages, open);

	if (low != high)
		mprotect((void *)(WINDOW + low * PAGE_SIZE), (high - low) * PAGE_SIZE,
			 pages > open ? PROT_READ | PROT_WRITE : PROT_NONE);
	open = pages;
}

u32 tree_size(const u8 *data, size_t size)
{
	if (size < 8 || memcmp(data, "\xd0\x0d\xfe\xed", 4))
		return 0;
	return (u32)data[4] << 24 | (u32)data[5] << 16 | (u32)data[6] << 8 | data[7];
}

/*
 * Put the tree at the end of a page, or at the start of one. Where totalsize is more than what is
 * there, the kernel sees what memory happens to hold behind it. Returns the offset in the first
 * page.
 */
static unsigned long place_tree(struct outcome *out, const u8 *data, size_t size,
				const struct trailer *trailer)
{
	static u8 copy[WINDOW_SIZE] __aligned(8);
	unsigned long offset = 0, len = min(size, (size_t)MAX_FDT_SIZE), there = len;
	u8 *window = (u8 *)WINDOW;

	if (tree_size(data, size) <= MAX_FDT_SIZE)
		len = max(len, (unsigned long)tree_size(data, size));
	len = max(len, 40UL); /* a header is read whatever it says */
	memcpy(copy, data, there);
	memset(copy + there, trailer->fill, len - there);
	if (!(trailer->flags & TRAILER_AT_START))
		offset = -len & ~PAGE_MASK & ~7UL;
	open_window(PFN_UP(offset + len));
	ASAN_UNPOISON_MEMORY_REGION(window, WINDOW_SIZE);
	memcpy(window + offset, copy, len);
	ASAN_POISON_MEMORY_REGION(window, offset);
	ASAN_POISON_MEMORY_REGION(window + offset + len, WINDOW_SIZE - offset - len);
	out->tree = copy;
	out->size = (u32)len;
	return offset;
}

/* ---- the choices ---- */

static phys_addr_t choose_image(u8 choice, phys_addr_t top, phys_addr_t size)
{
	const phys_addr_t at[] = {0x40200000,    0,
				  0x200000,      0x80000000,
				  0x3fe00000,    SZ_4G - SZ_2M,
				  SZ_1T - SZ_2M, ALIGN_DOWN(top - size, SZ_2M)};
	phys_addr_t image = at[choice % ARRAY_SIZE(at)];

	return image + size <= top ? image : at[0];
}

static phys_addr_t choose_dt(u8 choice, phys_addr_t top, const struct range *image)
{
	const phys_addr_t at[] = {0x48000000,
				  ALIGN(image->end, PAGE_SIZE),
				  image->start - SZ_64K,
				  0,
				  PAGE_SIZE,
				  image->start,
				  image->end - PAGE_SIZE,
				  0x40000000,
				  top - SZ_2M,
				  0x7ffff000};
	phys_addr_t dt = at[choice % ARRAY_SIZE(at)];

	return dt < top ? dt : at[0];
}

static void choose_machine(struct outcome *out, const struct trailer *trailer)
{
	static const u8 bits[] = {40, 32, 36, 42, 44, 48};
	static const unsigned int brk[] = {0xf0000, 0, 0x1000, 0x3000, 0x10000};
	phys_addr_t top, size = IMAGE_BRK + brk[trailer->brk % ARRAY_SIZE(brk)];

	host_pa_bits = out->pa_bits = bits[trailer->pa_bits % ARRAY_SIZE(bits)];
	top = UL(1) << host_pa_bits;
	fuzz_image_end = _text + size;
	out->image.start = choose_image(trailer->image, top, size);
	out->image.end = out->image.start + size;
	kimage_voffset = (unsigned long)_text - out->image.start;
	out->kept[0] = (struct range){out->image.start, __pa_symbol(__early_tables_start)};
	out->blob.start = choose_dt(trailer->dt, top, &out->image);
}

/* ---- the boot ---- */

static struct ranges given;
static unsigned long given_pages;

void __wrap_free_memblock_range(phys_addr_t start, phys_addr_t end, int nid);
void __real_free_memblock_range(phys_addr_t start, phys_addr_t end, int nid);
void __wrap_free_memblock_range(phys_addr_t start, phys_addr_t end, int nid)
{
	ranges_add(&given, start, end);
	given_pages += PFN_DOWN(end) - PFN_DOWN(start);
	__real_free_memblock_range(start, end, nid);
}

/* What paging_init() does to memblock. */
static void page_tables(struct outcome *out)
{
	phys_addr_t table = memblock_phys_alloc(8 * PAGE_SIZE, PAGE_SIZE);

	if (!table)
		panic("no memory for page tables");
	ledger_own(table, 8 * PAGE_SIZE, OWNER_TABLES, 0);
	ledger_free(__pa_symbol(__early_tables_start),
		    (phys_addr_t)(__early_tables_end - __early_tables_start), OWNER_EARLY_TABLES);
	ledger_free(table + 5 * PAGE_SIZE, 3 * PAGE_SIZE, OWNER_TABLES);
	memblock_allow_resize();
	out->kept[1] = (struct range){table, table + 5 * PAGE_SIZE};
}

#define STAGE(stage, ...) (boot_stage = #stage, stage(__VA_ARGS__))

/* Every byte has an owner, where there was room to note them all. */
static void check_ledger(void)
{
	struct balance b;
	const char *wrong = ledger_balance(&b);

	if (!wrong || strstr(wrong, "no room"))
		return;
	fprintf(stderr, "stated 0x%lx, no-map 0x%lx\n", b.stated, b.no_map);
	for (unsigned int i = 0; i < NR_OWNERS; i++)
		if (b.bytes[i])
			fprintf(stderr, "owner %u: 0x%lx\n", i, b.bytes[i]);
	finding("the ledger does not balance: %s", wrong);
}

static void boot(struct outcome *out)
{
	STAGE(check_handover);
	STAGE(early_fixmap_init);
	STAGE(setup_machine_fdt, handover.tree);
	for (unsigned long i = 0; i < PFN_UP((out->blob.start & ~PAGE_MASK) + machine.dt_size); i++)
		if (!fixmap_in_use(FIX_FDT - (unsigned int)i))
			finding("the tree's page %lu is not mapped", i);
	out->blob.end = out->blob.start + machine.dt_size;
	STAGE(parse_early_param);
	STAGE(arm64_memblock_init);
	check_ledger();
	STAGE(page_tables, out);
	check_ledger();
	STAGE(bootmem_init);
	check_ledger();
	STAGE(mem_init);
	check_ledger();
	boot_stage = "oracle";
	if (nr_free_pages() != given_pages)
		finding("%lu pages free in the zones, %lu given to them", nr_free_pages(),
			given_pages);
}

/* A refusal says why; about the tree's structure it says where. */
static void check_refusal(void)
{
	const char *line, *at;
	unsigned long pos = 0;
	bool said = false;
	char text[512];
	size_t len;

	if (strlen(stop_text) < 20)
		finding("panic without words: \"%s\"", stop_text);
	if (strncmp(stop_text, "no device tree", 14))
		return;
	while ((line = printk_next(&pos, &len)) != NULL) {
		snprintf(text, sizeof(text), "%.*s", (int)len - 1, line);
		if (!strstr(text, "preflight: x0 = "))
			continue;
		said = true;
		at = strstr(text, " at offset 0x");
		if (at && !strstr(at, "in node /"))
			finding("it names no node: %s", text);
		for (const char *p = text; *p; p++)
			if (*p < ' ' || *p > '~')
				finding("there is what cannot be printed: %s", text);
	}
	if (!said)
		finding("a tree is refused, and not said why");
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	boot_stage = "start";
	host_linear = (unsigned long)reserve(0, LINEAR_SIZE, PROT_READ | PROT_WRITE);
	host_vmemmap = (unsigned long)reserve(0, VMEMMAP_SIZE, PROT_NONE);
	reserve(FIXADDR_START - PAGE_SIZE, FIXADDR_SIZE + 2 * PAGE_SIZE, PROT_NONE);
	reserve(fix_to_virt(FIX_EARLYCON_MEM_BASE), PAGE_SIZE, PROT_READ | PROT_WRITE);
	save_state();
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct trailer trailer = {.magic = "fz"};
	struct outcome out = {0};

	if (size >= sizeof(trailer) && !memcmp(data + size - sizeof(trailer), "fz", 2)) {
		size -= sizeof(trailer);
		memcpy(&trailer, data + size, sizeof(trailer));
	}
	restore_state();
	given.count = given_pages = 0;
	choose_machine(&out, &trailer);
	out.blob.start += place_tree(&out, data, size, &trailer);
	handover.args[0] = out.blob.start + (trailer.flags & TRAILER_SKEW ? 4 : 0);
	handover.tree = handover.args[0];
	handover.image = out.image.start;
	handover.window = WINDOW;
	if (setjmp(stopped)) {
		check_refusal();
		return 0;
	}
	boot(&out);
	out.given = given;
	check_outcome(&out);
	return 0;
}
