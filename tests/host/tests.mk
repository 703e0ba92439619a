# Host tests: each is one binary from tests/host/NAME.c and the kernel files it tests, unmodified.
# NAME-srcs: kernel sources; NAME-host: support files of tests/host; NAME-include: extra include paths put first.
# NAME-test: where main() is, if not in NAME.c; NAME-defs: -D for all of them.
# NAME-sanitize: in place of address,undefined; NAME-run: what runs it.
HOST_TESTS :=

# NAME-cflags: for the kernel sources only. kernel_names.h keeps their memcpy, snprintf and kin apart from libc's.
KERNEL_NAMES := -include tests/host/kernel_names.h
LIB_CORE     := lib/printk.c lib/logblock.c lib/vsprintf.c lib/string.c lib/cmdline.c

HOST_TESTS += test_string
test_string-srcs := lib/string.c
test_string-cflags := $(KERNEL_NAMES)

HOST_TESTS += test_vsprintf
test_vsprintf-srcs := lib/vsprintf.c
test_vsprintf-cflags := $(KERNEL_NAMES)

HOST_TESTS += test_printk
test_printk-srcs := $(LIB_CORE)
test_printk-host := capture.c
test_printk-cflags := $(KERNEL_NAMES)

HOST_TESTS += test_logblock
test_logblock-srcs := $(LIB_CORE)
test_logblock-host := capture.c
test_logblock-cflags := $(KERNEL_NAMES)

HOST_TESTS += test_cmdline
test_cmdline-srcs := $(LIB_CORE)
test_cmdline-host := capture.c
test_cmdline-cflags := $(KERNEL_NAMES)

HOST_TESTS += test_panic
test_panic-srcs := $(LIB_CORE) lib/panic.c
test_panic-host := capture.c
test_panic-cflags := $(KERNEL_NAMES)

HOST_TESTS += test_monitor
test_monitor-srcs := $(LIB_CORE) lib/panic.c lib/monitor.c
test_monitor-host := capture.c
test_monitor-cflags := $(KERNEL_NAMES)

# Page tables: each geometry, with the entries of the hardware or of tests/host/alien.
define pgtable_test
HOST_TESTS += $(1)
$(1)-test := test_pgtable.c
$(1)-srcs := mm/pgtable.c
$(1)-host := stubs.c host_mm.c
$(1)-defs := -DPAGE_SHIFT=$(2) -DVA_BITS=$(3)
$(1)-include := $(4)
endef
$(eval $(call pgtable_test,test_pgtable,12,48,))
$(eval $(call pgtable_test,test_pgtable_alien,12,48,tests/host/alien))
$(eval $(call pgtable_test,test_pgtable_39,12,39,))
$(eval $(call pgtable_test,test_pgtable_39_alien,12,39,tests/host/alien))
$(eval $(call pgtable_test,test_pgtable_16k,14,48,))
$(eval $(call pgtable_test,test_pgtable_16k_36_alien,14,36,tests/host/alien))
$(eval $(call pgtable_test,test_pgtable_64k_alien,16,48,tests/host/alien))
$(eval $(call pgtable_test,test_pgtable_64k_42,16,42,))

HOST_TESTS += test_pte

HOST_TESTS += test_va_space
test_va_space-srcs := mm/va_space.c

HOST_TESTS += test_vmalloc
test_vmalloc-srcs := mm/vmalloc.c mm/va_space.c mm/pgtable.c
test_vmalloc-host := stubs.c host_mm.c
test_vmalloc-include := tests/host/plain


HOST_TESTS += test_dt
test_dt-srcs := lib/dt.c lib/vsprintf.c lib/string.c
test_dt-cflags := $(KERNEL_NAMES)
test_dt-libs := -lfdt

HOST_TESTS += test_memblock
test_memblock-srcs := mm/memblock.c
test_memblock-host := stubs.c host_mm.c

HOST_TESTS += test_early_ioremap
test_early_ioremap-srcs := mm/early_ioremap.c
test_early_ioremap-host := stubs.c host_fixmap.c

HOST_TESTS += test_memblock_model
test_memblock_model-srcs := mm/memblock.c
test_memblock_model-host := stubs.c host_mm.c

# On whole machines.
MM_FILES := mm/memblock.c mm/ledger.c mm/memmap.c mm/zone.c mm/page_alloc.c mm/debug.c lib/cmdline.c

HOST_TESTS += test_page_alloc
test_page_alloc-srcs := $(MM_FILES)
test_page_alloc-host := stubs.c host_mm.c mm_machine.c trade.c

HOST_TESTS += test_slab
test_slab-srcs := $(MM_FILES) mm/slab.c
test_slab-host := stubs.c host_mm.c mm_machine.c trade.c
# Memory far above the rest: the links of slabs have their upper bits.
test_slab-defs := -DLINEAR_BITS=42

HOST_TESTS += test_ledger
test_ledger-srcs := $(MM_FILES)
test_ledger-host := stubs.c host_mm.c mm_machine.c

# Four threads on all of mm/ that allocates, under ThreadSanitizer.
HOST_TESTS += test_threads
test_threads-srcs := $(MM_FILES) mm/slab.c mm/va_space.c mm/vmalloc.c mm/pgtable.c
test_threads-host := stubs.c host_mm.c mm_machine.c trade.c
test_threads-defs := -include tests/host/tsan.h
test_threads-sanitize := thread
# Its shadow memory has fixed places, which random addresses may be in.
test_threads-run := setarch -R

# The audit of page tables, by the same geometries' rules.
define pt_audit_test
HOST_TESTS += $(1)
$(1)-test := test_pt_audit.c
$(1)-srcs := mm/pt_audit.c mm/pgtable.c mm/memblock.c mm/memmap.c
$(1)-host := stubs.c host_mm.c
$(1)-defs := -DPAGE_SHIFT=$(2) -DVA_BITS=48
$(1)-include := $(3)
endef
$(eval $(call pt_audit_test,test_pt_audit,12,))
$(eval $(call pt_audit_test,test_pt_audit_alien,12,tests/host/alien))
$(eval $(call pt_audit_test,test_pt_audit_16k,14,))
