/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of QEMU's plugin interface (version 4, QEMU 10) that is used here, and of GLib's. Debian
 * has no package with the header. QEMU refuses a plugin whose version it does not support.
 */
#ifndef PLUGIN_QEMU_H
#define PLUGIN_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLUGIN_API 4

typedef struct {
	uint8_t *bytes;
	unsigned int size;
} GByteArray;
GByteArray *g_byte_array_new(void);
GByteArray *g_byte_array_set_size(GByteArray *array, unsigned int size);
char *g_array_free(void *array, int free_elements);

/* What qemu_plugin_get_registers() returns, and its elements. */
struct reg_list {
	struct reg_entry *entries;
	unsigned int count;
};
struct reg_entry {
	void *handle;
	const char *name, *feature;
};

/* What a memory access carried; the first of its fields says how large it is, 0 to 4 for 1 to 16
 * bytes. */
struct mem_value {
	int log2;
	union {
		uint8_t u8;
		uint64_t u64;
		struct {
			uint64_t lo, hi;
		} u128;
	};
};

enum { CB_NO_REGS, CB_READS_REGS };
enum { MEM_READS = 1, MEM_WRITES, MEM_BOTH };

typedef void exec_fn(unsigned int vcpu, void *arg);
typedef void mem_fn(unsigned int vcpu, uint32_t info, uint64_t va, void *arg);
typedef void tb_fn(uint64_t id, void *tb);
typedef void vcpu_fn(uint64_t id, unsigned int vcpu);
typedef void exit_fn(uint64_t id, void *arg);

void qemu_plugin_register_vcpu_init_cb(uint64_t id, vcpu_fn *fn);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, tb_fn *fn);
void qemu_plugin_register_atexit_cb(uint64_t id, exit_fn *fn, void *arg);
void qemu_plugin_register_vcpu_tb_exec_cb(void *tb, exec_fn *fn, int flags, void *arg);
void qemu_plugin_register_vcpu_insn_exec_cb(void *insn, exec_fn *fn, int flags, void *arg);
void qemu_plugin_register_vcpu_mem_cb(void *insn, mem_fn *fn, int flags, int rw, void *arg);

size_t qemu_plugin_tb_n_insns(const void *tb);
void *qemu_plugin_tb_get_insn(const void *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const void *insn);
size_t qemu_plugin_insn_data(const void *insn, void *to, size_t size);

bool qemu_plugin_mem_is_store(uint32_t info);
unsigned int qemu_plugin_mem_size_shift(uint32_t info);
struct mem_value qemu_plugin_mem_get_value(uint32_t info);
void *qemu_plugin_get_hwaddr(uint32_t info, uint64_t va);
bool qemu_plugin_hwaddr_is_io(const void *hwaddr);
uint64_t qemu_plugin_hwaddr_phys_addr(const void *hwaddr);

void *qemu_plugin_get_registers(void);
int qemu_plugin_read_register(void *handle, GByteArray *to);
bool qemu_plugin_read_memory_vaddr(uint64_t va, GByteArray *to, size_t size);

#endif
