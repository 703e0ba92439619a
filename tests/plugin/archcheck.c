/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What QEMU calls. Arguments: log=FILE (default: standard error) and map=System.map, for symbols
 * and for where the Image's file ends.
 */
#include "archcheck.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT   __attribute__((visibility("default")))
#define MAX_CPUS 512

EXPORT int qemu_plugin_version = PLUGIN_API;

static struct cpu *cpus[MAX_CPUS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool started;

/* A translated block, or an instruction that matters. */
struct place {
	u64 pc;
	u32 insn;
	bool header;
};

/* --- registers
 * ------------------------------------------------------------------------------------- */

static u64 read_register(void *handle)
{
	static GByteArray *bytes;
	u64 value = 0;

	if (!handle)
		return 0;
	if (!bytes)
		bytes = g_byte_array_new();
	g_byte_array_set_size(bytes, 0);
	if (qemu_plugin_read_register(handle, bytes) > 0)
		memcpy(&value, bytes->bytes, bytes->size < 8 ? bytes->size : 8);
	return value;
}

u64 cpu_x(struct cpu *cpu, unsigned int n)
{
	return n < 31 ? read_register(cpu->x[n]) : 0;
}

struct cpu *cpu_next(const struct cpu *cpu)
{
	for (unsigned int i = cpu ? cpu->id + 1 : 0; i < MAX_CPUS; i++)
		if (cpus[i])
			return cpus[i];
	return NULL;
}

void cpu_refresh(struct cpu *cpu)
{
	u64 sctlr;
	bool before = cpu->mmu && at_el1(cpu);

	cpu->unknown = false;
	cpu->el = (int)(read_register(cpu->cpsr) >> 2 & 3);
	for (unsigned int reg = 0; reg < NR_SYSREGS; reg++)
		cpu->reg[reg] = read_register(cpu->sysregs[reg]);
	cpu->vbar = read_register(cpu->vbar_el1);
	sctlr = cpu->el == 3   ? read_register(cpu->sctlr_el3)
		: cpu->el == 2 ? read_register(cpu->sctlr_el2)
			       : cpu->reg[SCTLR];
	cpu->mmu = sctlr & 1;
	cpu->cached = cpu->mmu && sctlr & 4;
	if (before != (cpu->mmu && at_el1(cpu)))
		tables_changed(cpu, 0);
}

static void name_register(struct cpu *cpu, const char *name, void *handle)
{
	static const char *const names[] = {"SCTLR", "TCR_EL1", "MAIR_EL1", "TTBR0_EL1",
					    "TTBR1_EL1"};
	unsigned int n;

	for (n = 0; n < NR_SYSREGS; n++)
		if (!strcmp(name, names[n]))
			cpu->sysregs[n] = handle;
	if (sscanf(name, "x%u", &n) == 1 && n < 31)
		cpu->x[n] = handle;
	else if (!strcmp(name, "cpsr"))
		cpu->cpsr = handle;
	else if (!strcmp(name, "VBAR"))
		cpu->vbar_el1 = handle;
	else if (!strcmp(name, "SCTLR_EL2"))
		cpu->sctlr_el2 = handle;
	else if (!strcmp(name, "SCTLR_EL3"))
		cpu->sctlr_el3 = handle;
}

static void vcpu_made(uint64_t id, unsigned int vcpu)
{
	struct reg_list *list = qemu_plugin_get_registers();
	struct cpu *cpu = calloc(1, sizeof(*cpu));

	(void)id;
	if (vcpu >= MAX_CPUS)
		abort();
	cpu->id = vcpu;
	for (unsigned int i = 0; i < list->count; i++)
		if (list->entries[i].name)
			name_register(cpu, list->entries[i].name, list->entries[i].handle);
	g_array_free(list, 1);
	pthread_mutex_lock(&lock);
	cpus[vcpu] = cpu;
	pthread_mutex_unlock(&lock);
}

/* --- execution
 * --------------------------------------------------------------------------------------- */

static void image_entered(struct cpu *cpu, u64 pc)
{
	if (!started || cpu->entered) {
		/* The first time, or a reboot. */
		memory_reset();
		tables_reset();
		for (struct cpu *c = cpu_next(NULL); c; c = cpu_next(c))
			c->entered = false;
		report_image(pc);
		memory_image(pc, report_file_size());
	}
	started = true;
	cpu->entered = true;
	cpu->el = 3;
	cpu->mmu = cpu->cached = false;
	cpu->tlbi_all = cpu->ic_all = NOT_DONE;
	cpu->unsynchronized = 0;
	cpu->dc_line = cpu->zva_block = LINE;
	cpu_refresh(cpu);
}

/* The value an MRS of CTR_EL0 (DminLine 19:16, words) or DCZID_EL0 (BS 3:0, words) has given the
 * guest. */
static void take_id(struct cpu *cpu)
{
	u64 value = cpu_x(cpu, cpu->id_target);

	if (cpu->id_reg == 1)
		cpu->dc_line = 4u << (value >> 16 & 15);
	else
		cpu->zva_block = 4u << (value & 15);
	cpu->id_reg = 0;
}

static void block_executed(unsigned int vcpu, void *arg)
{
	const struct place *place = arg;
	struct cpu *cpu = cpus[vcpu];
	struct translation t;

	if (!cpu->ran) {
		cpu->ran = true;
		cpu->reset_pc = place->pc;
	}
	if (!started && !place->header)
		return;
	pthread_mutex_lock(&lock);
	/* A reset: what runs until the Image is entered again is not ours. */
	if (cpu->entered && place->pc == cpu->reset_pc && !place->header) {
		started = false;
		for (struct cpu *c = cpu_next(NULL); c; c = cpu_next(c))
			c->entered = false;
	}
	if (place->header)
		image_entered(cpu, place->pc);
	if (cpu->entered) {
		count.blocks++;
		cpu->blocks++;
		if (cpu->id_reg)
			take_id(cpu);
		/* An exception was taken: that synchronizes. */
		if (!(place->pc & 0x7f) && (place->pc & ~0x7ffull) == cpu->vbar) {
			tables_isb(cpu, place->pc, false);
			cpu->unsynchronized = 0;
			cpu->unknown = true;
		}
		if (cpu->unknown || !at_el1(cpu))
			cpu_refresh(cpu);
		tables_block(cpu, place->pc, place->insn);
		if (memory_any_stale() && cpu->mmu && at_el1(cpu) &&
		    tables_translate(cpu, place->pc, &t) && t.cacheable)
			memory_read(cpu, FETCH, t.pa, 4, place->pc);
	}
	pthread_mutex_unlock(&lock);
}

static void insn_executed(unsigned int vcpu, void *arg)
{
	const struct place *place = arg;
	struct cpu *cpu = cpus[vcpu];

	if (!started || !cpu->entered)
		return;
	pthread_mutex_lock(&lock);
	if (cpu->id_reg)
		take_id(cpu);
	if (place->insn)
		insn_execute(cpu, place->insn, place->pc);
	pthread_mutex_unlock(&lock);
}

static void stored(struct cpu *cpu, uint32_t info, u64 pa, u64 va, u64 pc)
{
	struct mem_value value = qemu_plugin_mem_get_value(info);

	count.stores++;
	memory_store(cpu, pa, va, &value.u64, 1u << qemu_plugin_mem_size_shift(info), pc);
}

static void loaded(struct cpu *cpu, uint32_t info, u64 pa, u64 va, u64 pc)
{
	struct translation t;

	count.loads++;
	if (!cpu->mmu)
		memory_load_uncached(pa, pc);
	if (cpu->cached && memory_any_stale() && chunk_find(pa) && chunk_find(pa)->lines &&
	    tables_translate(cpu, va, &t) && t.cacheable)
		memory_read(cpu, LOAD, pa, 1u << qemu_plugin_mem_size_shift(info), pc);
}

static void memory_accessed(unsigned int vcpu, uint32_t info, uint64_t va, void *arg)
{
	struct cpu *cpu = cpus[vcpu];
	u64 pc = (u64)(uintptr_t)arg, pa;
	void *hw;

	if (!started || !cpu->entered)
		return;
	hw = qemu_plugin_get_hwaddr(info, va);
	pthread_mutex_lock(&lock);
	tables_used(cpu, va, pc);
	if (hw && !qemu_plugin_hwaddr_is_io(hw)) {
		pa = qemu_plugin_hwaddr_phys_addr(hw);
		if (qemu_plugin_mem_is_store(info))
			stored(cpu, info, pa, va, pc);
		else
			loaded(cpu, info, pa, va, pc);
	}
	pthread_mutex_unlock(&lock);
}

/* --- translation
 * ------------------------------------------------------------------------------------- */

/* The arm64 Image header: a branch first, "ARM\x64" at 56. */
static bool is_header(u64 pc, u32 insn)
{
	static GByteArray *bytes;
	bool found;

	if (insn >> 26 != 5)
		return false;
	pthread_mutex_lock(&lock);
	if (!bytes)
		bytes = g_byte_array_new();
	found = qemu_plugin_read_memory_vaddr(pc + 56, bytes, 4) &&
		!memcmp(bytes->bytes, "ARM\x64", 4);
	pthread_mutex_unlock(&lock);
	return found;
}

static struct place *new_place(u64 pc, u32 insn)
{
	struct place *place = calloc(1, sizeof(*place));

	place->pc = pc;
	place->insn = insn;
	return place;
}

static void block_translated(uint64_t id, void *tb)
{
	bool id_read = false;

	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		void *insn = qemu_plugin_tb_get_insn(tb, i);
		u64 pc = qemu_plugin_insn_vaddr(insn);
		struct place *place;
		u32 opcode = 0;

		qemu_plugin_insn_data(insn, &opcode, 4);
		if (!i) {
			place = new_place(pc, opcode);
			place->header = is_header(pc, opcode);
			qemu_plugin_register_vcpu_tb_exec_cb(tb, block_executed, CB_READS_REGS,
							     place);
		}
		if (insn_matters(opcode) || id_read)
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, insn_executed, CB_READS_REGS,
				new_place(pc, insn_matters(opcode) ? opcode : 0));
		id_read = insn_reads_id(opcode);
		qemu_plugin_register_vcpu_mem_cb(insn, memory_accessed, CB_READS_REGS, MEM_BOTH,
						 (void *)(uintptr_t)pc);
	}
}

static void leaving(uint64_t id, void *arg)
{
	(void)id;
	(void)arg;
	pthread_mutex_lock(&lock);
	tables_exit();
	report_summary();
	pthread_mutex_unlock(&lock);
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	const char *log = NULL, *map = NULL;

	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "log=", 4))
			log = argv[i] + 4;
		else if (!strncmp(argv[i], "map=", 4))
			map = argv[i] + 4;
		else
			return fprintf(stderr, "archcheck: what is '%s'? log=FILE map=System.map\n",
				       argv[i]);
	}
	if (!report_open(log, map))
		return 1;
	qemu_plugin_register_vcpu_init_cb(id, vcpu_made);
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
	qemu_plugin_register_atexit_cb(id, leaving, NULL);
	return 0;
}
