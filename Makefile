# SPDX-License-Identifier: BSD-2-Clause
# The object list below is in boot order: it is the reading list. `make help` prints:
#:
#: make            $(O)/Image, kernel.elf, System.map and compile_commands.json
#: make run        boot it in QEMU; Ctrl-A X ends that
#: make sdcard BOARD=rpi4|rpi3    $(O)/sdcard-$(BOARD).img, for a card of your own (README); LOADER=none: without U-Boot
#: make test       host tests and fuzzing, then boots of four kernels (gcc, clang; VA_BITS 48, 39) in QEMU
#: make test-host, make test-fuzz, make test-boot    one of them; test-boot: PYTEST_ARGS="-k name"
#: make fuzz       device trees by libFuzzer, FUZZ_SECONDS=60; goes on where the last run ended
#: make check      layers, headers, format, lint, Image header, what runs before the MMU
#: make bench      instructions of the fast paths and of the boot, beside Linux's; BENCH="fast boot tree" for some of it
#: make gdb        QEMU stopped at the Image's first instruction, gdb attached with symbols
#: make setup      install what is missing (run, test, check and gdb do it themselves)
#: make clean      what was built, all but libfdt, U-Boot and the boards' trees; make distclean: all
#:
#: build options   O=build (a new or empty folder) V=1 CROSS_COMPILE=aarch64-linux-gnu- LLVM=1 VA_BITS=48|39 LIBFDT=<dtc source>
#: run options     MEM=1G CPU=max EL=1|2|3 SMP=1 APPEND="bootargs" INITRD=file NUMA=1
#:                 DTB=file.dts|.dtb  exactly this tree; MEM=base:size where it has no memory
#:                 BOARD=rpi3|rpi4    a Raspberry Pi in place of virt, through U-Boot; LOADER=none: as its firmware does
#:                 LOADER=uboot       virt through U-Boot
#:                 OVERLAY=file.dtbo  applied to the tree that is delivered
#:                 more in scripts/run
#:

O            ?= build
VA_BITS      ?= 48
PAGE_SHIFT   ?= 12
LLVM         ?=
LIBFDT       ?=

MAKEFLAGS    += --no-builtin-rules --no-builtin-variables
SHELL        := /bin/sh
.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: all FORCE help clean distclean setup run gdb sdcard test test-host test-boot check bench
all:

OBJS := head.o
OBJS += arch/arm64/early/console.o arch/arm64/early/handover.o arch/arm64/early/relocate.o
OBJS += arch/arm64/main.o
OBJS += arch/arm64/vectors.o arch/arm64/traps.o arch/arm64/stacktrace.o arch/arm64/cpu.o
OBJS += arch/arm64/cache.o
OBJS += arch/arm64/fixmap.o mm/early_ioremap.o
OBJS += arch/arm64/setup.o lib/dt.o lib/cmdline.o
OBJS += arch/arm64/earlycon.o arch/arm64/uart/pl011.o arch/arm64/uart/ns16550.o
OBJS += arch/arm64/uart/bcm2835aux.o arch/arm64/uart/smh.o
OBJS += arch/arm64/init.o arch/arm64/reserved_mem.o mm/memblock.o mm/ledger.o
OBJS += arch/arm64/log.o lib/logblock.o
OBJS += arch/arm64/mmu.o mm/pgtable.o
OBJS += mm/debug.o mm/memmap.o mm/zone.o mm/page_alloc.o mm/slab.o mm/va_space.o mm/vmalloc.o mm/show.o mm/selftest.o
OBJS += mm/pt_audit.o arch/arm64/audit.o arch/arm64/ptdump.o arch/arm64/monitor.o lib/monitor.o arch/arm64/power.o
OBJS += lib/printk.o lib/vsprintf.o lib/string.o lib/panic.o

# --- what the options mean ---------------------------------------------------------------------

# Names with these would need quoting in make, in the shell or in QEMU's options.
ODD          := \# $$ % : = , ; & | < > ( ) [ ] { } * ? ! ~ ' " ` \ #
odd           = $(filter-out 1,$(words x$(value $1)x)$(strip $(foreach c,$(ODD),$(findstring $(c),$(value $1))))$(filter -%,$($1)))
$(foreach v,O LIBFDT,$(if $(call odd,$v),$(error $v=$(value $v): a folder's name here has no blanks and none of $(ODD), and no - in front)))
ifeq ($(O),)
$(error O=: that names no output folder)
endif
ifneq ($(filter $(patsubst %/,%,$(abspath $(O)))/%,$(CURDIR)/.),)
$(error O=$(O): the output folder cannot be the source tree or a folder that holds it)
endif
# One folder, one name, or each name builds everything anew.
override O   := $(or $(patsubst $(CURDIR)/%,%,$(filter $(CURDIR)/%,$(abspath $(O)))),$(patsubst %/,%,$(O)))

# The mark says that the folder was new or empty when it was first built in. In no other anything is built, or deleted by `clean`.
# (build/ with .flags in it is one from before there was a mark, libfdt and boards are scripts/setup's.)
MARK         := $(O)/.firstlight
ifneq ($(if $(wildcard $(MARK)),,$(filter-out help,$(or $(MAKECMDGOALS),all))),)
ifneq ($(if $(and $(filter build build/%,$(O)),$(wildcard $(O)/.flags)),,$(shell ls -A $(O) 2>/dev/null | grep -vxE 'libfdt|boards')),)
$(error O=$(O): there are files in it that this build did not make; name a new or an empty folder)
endif
ifneq ($(if $(findstring n,$(firstword $(filter-out --%,-$(MAKEFLAGS)))),,$(filter-out help clean distclean,$(or $(MAKECMDGOALS),all))),)
ifneq ($(shell mkdir -p $(O) && : >$(MARK) && echo made),made)
$(error O=$(O): cannot be made)
endif
endif
endif

# Text and names of files for the scripts, from the command line or the environment: handed on as they are, $ and blanks too.
TEXT         := APPEND OPTIONS BOARD BOARDS LOADER LIBFDT INITRD DTB OVERLAY SDCARD UART0 QEMU_EXTRA PI4_DTB
$(foreach v,$(TEXT),$(if $(filter undefined,$(origin $v)),,$(eval override export $v := $$(value $v))))

ifneq ($(words $(VA_BITS))$(filter-out 39 48,$(VA_BITS)),1)
$(error VA_BITS=$(VA_BITS): 39 and 48 are possible)
endif

ifneq ($(strip $(PAGE_SHIFT)),12)
$(error PAGE_SHIFT=$(PAGE_SHIFT): pages have 4 KiB, 12)
endif

ifneq ($(LLVM),)
CC           := clang --target=aarch64-linux-gnu
LD           := ld.lld
NM           := llvm-nm
OBJCOPY      := llvm-objcopy
READELF      := llvm-readelf
AR           := llvm-ar
# -O2: strings share their ends. Equal functions are one; the outliner looks at what it made once more.
LDFLAGS_LD   := --fix-cortex-a53-843419 -O2 --icf=all -mllvm -machine-outliner-reruns=1 --pack-dyn-relocs=none --apply-dynamic-relocs
NOSTDINC     := -nostdlibinc
# clang's tiny model is not for lld 14: it loads the canary by the GOT.
OPT          := -Oz
LINK          = $(LD) $(LDFLAGS)
else
CROSS_COMPILE ?= $(if $(filter aarch64 arm64,$(shell uname -m)),,aarch64-linux-gnu-)
CC           := $(CROSS_COMPILE)gcc
LD           := $(CROSS_COMPILE)ld
NM           := $(CROSS_COMPILE)nm
OBJCOPY      := $(CROSS_COMPILE)objcopy
READELF      := $(CROSS_COMPILE)readelf
AR           := $(CROSS_COMPILE)ar
NOSTDINC     := -nostdinc -isystem $(shell $(CC) -print-file-name=include 2>/dev/null)
# Symbols are within 1 MiB: one instruction instead of two, and ADR in place of an erratum's ADRP, without 4 KiB of stubs.
LDFLAGS_LD   := --fix-cortex-a53-843419=adr
OPT          := -Os -fipa-pta -mcmodel=tiny -ffat-lto-objects
# gcc's own linker front end knows how to compile what is left to the link.
LINK          = $(CC) $(filter-out -include lib/hidden.h,$(CFLAGS)) -flto-partition=one -nostdlib -static-pie $(patsubst %,-Wl$(,)%,$(LDFLAGS))
# A loop of memcpy's must not become a call of memcpy.
CFLAGS_lib/string.o := -fno-tree-loop-distribute-patterns
endif

CPPFLAGS     := -I. -Iarch/arm64/include -DPAGE_SHIFT=$(PAGE_SHIFT) -DVA_BITS=$(VA_BITS)
# hidden.h: what is declared extern is ours too, so nothing goes through the GOT before relocation.
CFLAGS       := $(NOSTDINC) -std=gnu11 $(OPT) -flto -g -ffreestanding -mgeneral-regs-only -mno-outline-atomics -mstrict-align \
		-fstack-protector-strong -fpie -fvisibility=hidden -include lib/hidden.h \
		-mfix-cortex-a53-835769 -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -fno-strict-aliasing \
		-ffunction-sections -fdata-sections \
		-ffile-prefix-map=$(CURDIR)=. \
		-Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wstrict-prototypes
AFLAGS       := $(NOSTDINC) -g -ffreestanding -ffile-prefix-map=$(CURDIR)=. -Wa,--noexecstack -Wall -Werror
LDFLAGS      := -pie --gc-sections --no-dynamic-linker -z text -z max-page-size=$(shell echo $$((1 << $(PAGE_SHIFT)))) \
		-z noexecstack -Bsymbolic --build-id=none --fatal-warnings $(LDFLAGS_LD)

# Before relocation and before the MMU: no canary to be read, no table of addresses.
EARLY        := head.o arch/arm64/early/console.o arch/arm64/early/handover.o arch/arm64/early/relocate.o
$(foreach o,$(EARLY),$(eval CFLAGS_$(o) := -fno-stack-protector -fno-jump-tables -mstrict-align -fno-lto))
CFLAGS_lib/dt.o := -isystem $(O)/libfdt/include -isystem lib/libfdt-shim

# A comma as an argument.
,            := ,
Q            := $(if $(V),,@)
say           = $(if $(V),,@printf '  %-8s %s\n' $(1) $(patsubst $(O)/%,%,$@))

# Everything that shapes an object, kept in a file: a changed option rebuilds, the same ones do not.
FLAGS        := $(CC) $(CPPFLAGS) $(CFLAGS) $(AFLAGS) $(LD) $(LDFLAGS) $(OBJS) $(LIBFDT) \
		$(foreach o,$(OBJS),$(o)=$(CFLAGS_$(o)))
ifneq ($(strip $(file <$(O)/.flags)),$(strip $(FLAGS)))
$(O)/.flags: FORCE
endif
$(O)/.flags:
	@command -v $(firstword $(CC)) >/dev/null || { echo "no $(firstword $(CC)) here$(if $(filter gcc clang aarch64-linux-gnu-gcc,$(firstword $(CC))),: make setup installs what is needed,$(,) and make setup installs none of that name)" >&2; exit 1; }
	@mkdir -p $(@D) && : >$(MARK)
	@echo '$(strip $(FLAGS))' >$@

# --- the kernel ---------------------------------------------------------------------------------

OBJS         := $(addprefix $(O)/,$(OBJS))
LIBS         := $(O)/libfdt/libfdt.a
COMPDB       := $(if $(filter-out build,$(O)),$(O)/)compile_commands.json

all: $(O)/Image $(O)/System.map $(COMPDB)

$(O)/%.o: %.c $(O)/.flags
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(CFLAGS_$*.o) -MMD -MP -c -o $@ $<

$(O)/%.o: %.S $(O)/.flags
	$(call say,AS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(AFLAGS) -MMD -MP -c -o $@ $<

$(O)/linker.lds: linker.lds $(O)/.flags
	$(call say,CPP)
	$(Q)$(CC) -E -P -x assembler-with-cpp -undef $(CPPFLAGS) -MMD -MP -MT $@ -MF $@.d -o $@ $<

# The bench kernel: the same, and one object more, compiled for itself so that its calls stay calls.
BENCH_OBJ    := $(O)/tests/bench/bench.o
CFLAGS_tests/bench/bench.o := -fno-lto
$(O)/bench/kernel.elf: $(BENCH_OBJ)

# Several links: the first, with empty tables, says what is to be in them; see scripts/link.
$(O)/kernel.elf $(O)/bench/kernel.elf: $(OBJS) $(LIBS) $(O)/linker.lds scripts/link
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)CC='$(CC)' LINK='$(LINK)' NM='$(NM)' READELF='$(READELF)' OBJCOPY='$(OBJCOPY)' V='$(V)' \
		scripts/link $@ $(O)/linker.lds $(filter %.o %.a,$^)

$(O)/Image $(O)/bench/Image: %Image: %kernel.elf
	$(call say,OBJCOPY)
	$(Q)$(OBJCOPY) -O binary $(patsubst %,-R %,.rela.dyn .dynsym .dynstr .hash .gnu.hash .dynamic) $< $@

$(O)/System.map: $(O)/kernel.elf
	$(call say,NM)
	$(Q)$(NM) -n $< | grep '^ffff' | grep -v ' [aNUw] \| \$$[xd]' >$@

$(O)/lib/dt.o: $(LIBS)

# What libfdt's headers and sources include is found in lib/libfdt-shim.
ifneq ($(LIBFDT),)
FDT_OBJS     := $(patsubst $(LIBFDT)/libfdt/%.c,$(O)/libfdt/%.o,$(filter-out %/fdt_overlay.c,$(wildcard $(LIBFDT)/libfdt/fdt*.c)))
$(if $(FDT_OBJS),,$(error LIBFDT=$(LIBFDT): no libfdt/fdt*.c there, it should be a dtc source tree))
$(O)/libfdt/%.o: $(LIBFDT)/libfdt/%.c $(O)/.flags
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -isystem lib/libfdt-shim $(filter-out -W%,$(CFLAGS)) -w -c -o $@ $<
$(O)/libfdt/libfdt.a: $(FDT_OBJS)
	$(call say,AR)
	@mkdir -p $(O)/libfdt/include
	$(Q)cp $(LIBFDT)/libfdt/*.h $(O)/libfdt/include
	$(Q)rm -f $@ && $(AR) crsD $@ $^
else
LIBFDT_DIR   ?= build/libfdt
$(O)/libfdt/libfdt.a:
	@[ -e '$(LIBFDT_DIR)/libfdt.a' ] || { echo "libfdt for arm64 is missing: make setup (or LIBFDT=<dtc source>)" >&2; exit 1; }
	@mkdir -p $(O) && cp -R '$(LIBFDT_DIR)' $(O)/
endif

C_OBJS       := $(foreach o,$(OBJS),$(if $(wildcard $(o:$(O)/%.o=%.c)),$(o)))
source_of      = $(1:$(O)/%.o=%.c)
define compdb_entry
	@echo '{"directory": "$(CURDIR)", "file": "$(source_of)", "command": "$(CC) $(CPPFLAGS) $(CFLAGS) $(CFLAGS_$(1:$(O)/%=%)) -c $(source_of)"}$(2)' >>$@

endef
$(COMPDB): $(O)/.flags
	$(call say,GEN)
	@echo '[' >$@
	$(foreach o,$(filter-out $(lastword $(C_OBJS)),$(C_OBJS)),$(call compdb_entry,$(o),$(,)))
	$(call compdb_entry,$(lastword $(C_OBJS)))
	@echo ']' >>$@

# --- tests/entry: puts the Image into any entry state, see scripts/run ---------------------------

$(O)/entry.bin: $(O)/tests/entry/entry.o
	$(call say,OBJCOPY)
	$(Q)$(OBJCOPY) -O binary $(patsubst %,-R %,.rela.dyn .dynsym .dynstr .hash .gnu.hash .dynamic) $< $@

# --- host tests: each binary of tests/host/tests.mk, by each compiler, under ASan and UBSan --------

HOST_CCS     ?= gcc clang
HOST_CFLAGS  := -std=gnu11 -g -O1 -fno-sanitize-recover=all -Wall -Wextra -Werror
SANITIZE     := address,undefined
HOST_INCLUDE := -Itests/host/include -Iarch/arm64/include -I.
include tests/host/tests.mk

# A test called test_x by compiler cc: objects in O/host/cc/test_x.o/, binary O/host/cc/test_x, run by target run-cc-test_x.
define host_test
HOST_RUNS += run-$(1)-$(2)
$(2)-all := $$(addprefix tests/host/,$$(or $$($(2)-test),$(2).c) $$($(2)-host)) $$($(2)-srcs)
$(O)/host/$(1)/$(2): $$(patsubst %.c,$(O)/host/$(1)/$(2).o/%.o,$$($(2)-all))
	$$(call say,HOSTLD)
	$$(Q)$(1) -fsanitize=$$(or $$($(2)-sanitize),$$(SANITIZE)) -o $$@ $$^ -lcmocka $$($(2)-libs)
$$(patsubst %.c,$(O)/host/$(1)/$(2).o/%.o,$$($(2)-srcs)): SRC_CFLAGS = $$($(2)-cflags)
$(O)/host/$(1)/$(2).o/%.o: %.c $(O)/.flags tests/host/tests.mk
	$$(call say,HOSTCC)
	@mkdir -p $$(@D)
	$$(Q)$(1) $(HOST_CFLAGS) -fsanitize=$$(or $$($(2)-sanitize),$$(SANITIZE)) $$($(2)-defs) $$(addprefix -I,$$($(2)-include)) $(HOST_INCLUDE) $$(SRC_CFLAGS) -MMD -MP -c -o $$@ $$<
.PHONY: run-$(1)-$(2)
run-$(1)-$(2): $(O)/host/$(1)/$(2)
	@echo "--- $(2), $(1)"
	@$$($(2)-run) $$<
-include $$(patsubst %.c,$(O)/host/$(1)/$(2).o/%.d,$$($(2)-all))
endef
$(foreach cc,$(HOST_CCS),$(foreach t,$(HOST_TESTS),$(eval $(call host_test,$(cc),$(t)))))

.PHONY: test-host
test-host: $(HOST_RUNS)
	@echo "host tests: $(words $(HOST_RUNS)) of $(words $(HOST_RUNS)) binaries passed ($(words $(HOST_TESTS)) by $(HOST_CCS))"

include tests/fuzz/fuzz.mk

# --- boot tests: a kernel by each compiler and with each VA_BITS, tests/boot/cases.py ---------------

KERNELS      := gcc-48 gcc-39 llvm-48 llvm-39
KERNEL_DIRS  := $(addprefix $(O)/,$(KERNELS))
.PHONY: $(KERNEL_DIRS)
$(KERNEL_DIRS): $(LIBS)
	@$(MAKE) -s --no-print-directory O=$@ LIBFDT_DIR=$(O)/libfdt LIBFDT= VA_BITS=$(lastword $(subst -, ,$@)) \
		LLVM=$(if $(findstring llvm-,$(notdir $@)),1) all $@/entry.bin $(if $(findstring -48,$@),$@/bench/Image)

# Every boot runs under tests/plugin, which checks barriers, caches and TLB.
$(O)/archcheck.so: $(wildcard tests/plugin/*.c tests/plugin/*.h)
	$(call say,HOSTCC)
	@mkdir -p $(@D)
	$(Q)$(firstword $(HOST_CCS)) -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wshadow -fPIC -shared -fvisibility=hidden \
		-o $@ $(filter %.c,$^) -lpthread

test-boot: $(KERNEL_DIRS) $(O)/archcheck.so
	@O=$(O) /usr/bin/python3 -B -m pytest -q -p no:cacheprovider tests/build tests/boot tests/plugin tests/bench $(PYTEST_ARGS)

# --- the commands -----------------------------------------------------------------------------------

setup:
	@BOARD=all scripts/setup $(O)

# What the commands need; the second make sees what the first has installed.
.PHONY: ready
ready:
	@$(addprefix BOARD=,$(BOARDS_WANTED)) scripts/setup -q $(O)
test: BOARDS_WANTED := all

run: ready
	@$(MAKE) -s --no-print-directory all $(O)/entry.bin
	@O=$(O) scripts/run

gdb: ready
	@$(MAKE) -s --no-print-directory all $(O)/entry.bin
	@O=$(O) scripts/gdb

sdcard: ready
	@[ -n "$$BOARD" ] || { echo "make sdcard: say BOARD=rpi3 or BOARD=rpi4" >&2; exit 1; }
	@$(MAKE) -s --no-print-directory all
	@O=$(O) SDCARD=$(O)/sdcard-$$BOARD.img scripts/run
	@echo $(O)/sdcard-$$BOARD.img

bench: ready
	@$(MAKE) -s --no-print-directory all $(O)/bench/Image $(O)/entry.bin
	@O=$(O) PI4_DTB="$${PI4_DTB:-$(wildcard $(O)/boards/bcm2711-rpi-4-b.dtb)}" scripts/bench $(BENCH)

test: ready
	@$(MAKE) --no-print-directory -k $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc) -Otarget) test-host test-fuzz
	@$(MAKE) --no-print-directory test-boot

# A make of its own, for it may be setup that has just got the compiler that CFLAGS asks.
check: ready
	@bad=; $(MAKE) --no-print-directory check-source || bad=1; $(MAKE) --no-print-directory check-images && [ -z "$$bad" ]

.PHONY: check-source
check-source:
	@CC='$(CC)' CPPFLAGS='$(CPPFLAGS)' CFLAGS='$(filter-out -g,$(CFLAGS))' OBJS='$(OBJS:$(O)/%=%)' scripts/check-source

.PHONY: check-images
check-images: $(KERNEL_DIRS)
	@bad=; for dir in $^; do O=$$dir PAGE_SHIFT=$(PAGE_SHIFT) OBJS='$(OBJS:$(O)/%=%)' EARLY='$(EARLY)' \
		scripts/check-image || bad=1; done; [ -z "$$bad" ]

# What setup has got stays, so that a build without network does too.
clean:
	@[ ! -e $(MARK) ] || { find $(O)/ -mindepth 1 -maxdepth 1 ! -name libfdt ! -name boards ! -name .firstlight -exec rm -rf {} + && rm -f $(COMPDB); }

distclean: clean
	@[ ! -e $(MARK) ] || rm -rf $(O)

help:
	@sed -n 's/^#: \{0,1\}//p' Makefile

-include $(OBJS:.o=.d) $(BENCH_OBJ:.o=.d) $(O)/tests/entry/entry.d $(O)/linker.lds.d
