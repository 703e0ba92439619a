# Tree fuzzing: the files that read a device tree, unmodified, under libFuzzer, ASan and UBSan; see tests/fuzz/fuzz.h.
FUZZ_SRCS    := lib/dt.c lib/cmdline.c lib/printk.c lib/logblock.c lib/vsprintf.c lib/string.c
FUZZ_SRCS    += arch/arm64/early/handover.c arch/arm64/fixmap.c arch/arm64/setup.c arch/arm64/init.c arch/arm64/reserved_mem.c
FUZZ_SRCS    += arch/arm64/earlycon.c $(wildcard arch/arm64/uart/*.c)
FUZZ_SRCS    += mm/memblock.c mm/ledger.c mm/memmap.c mm/zone.c mm/page_alloc.c mm/debug.c
FUZZ_HOST    := $(wildcard tests/fuzz/*.c)

FUZZ_CC      := clang
FUZZ_OBJCOPY := llvm-objcopy
# Newer clang's default, which would give each variable a section of its own; older ones know neither.
WHOLE_DATA   := -fno-sanitize-address-globals-dead-stripping
FUZZ_DATA     = $(shell $(FUZZ_CC) $(WHOLE_DATA) -E -x c /dev/null >/dev/null 2>&1 && echo $(WHOLE_DATA))
FUZZ_CFLAGS  := -std=gnu11 -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all \
		$(FUZZ_DATA) -Wall -Wextra -Werror -Itests/fuzz/include $(HOST_INCLUDE)
FUZZ_DIR     := $(O)/fuzz
FUZZ_OBJS    := $(patsubst %.c,$(FUZZ_DIR)/%.o,$(FUZZ_SRCS) $(FUZZ_HOST))

# Only the kernel leads the fuzzer, not the test around it.
$(patsubst %.c,$(FUZZ_DIR)/%.o,$(FUZZ_SRCS)): SRC_CFLAGS = -fsanitize=fuzzer-no-link $(KERNEL_NAMES)
$(FUZZ_OBJS): $(FUZZ_DIR)/%.o: %.c $(O)/.flags tests/fuzz/fuzz.mk
	$(call say,HOSTCC)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $(SRC_CFLAGS) -MMD -MP -c -o $@ $<

# The kernel's variables get sections of their own: each run starts from the same state.
$(FUZZ_DIR)/kernel.o: $(patsubst %.c,$(FUZZ_DIR)/%.o,$(FUZZ_SRCS))
	$(call say,HOSTLD)
	$(Q)ld -r --wrap=free_memblock_range -o $@ $^
	$(Q)$(FUZZ_OBJCOPY) --rename-section .data=kernel_data --rename-section .bss=kernel_bss \
		--rename-section .init.data=kernel_init --rename-section .data.ro_after_init=kernel_ro $@

$(FUZZ_DIR)/fuzz_tree: $(FUZZ_DIR)/kernel.o $(patsubst %.c,$(FUZZ_DIR)/%.o,$(FUZZ_HOST))
	$(call say,HOSTLD)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -Wl,--wrap=free_memblock_range -o $@ $^ -lfdt

-include $(FUZZ_OBJS:.o=.d)

# The same bytes each time, so that a seed number repeats a run.
$(FUZZ_DIR)/seeds/.made: tests/fuzz/seeds.py tests/boot/trees.py $(wildcard dts/*.dts)
	$(call say,SEEDS)
	$(Q)rm -rf $(@D) && /usr/bin/python3 -B tests/fuzz/seeds.py $(@D) && touch $@

# test-fuzz: always from the same seed number, so that the same tree fails again. fuzz: from another one each time.
FUZZ_SECONDS ?= 60
FUZZ_SEED    ?=
.PHONY: fuzz test-fuzz fuzz-build
fuzz-build: $(FUZZ_DIR)/fuzz_tree $(FUZZ_DIR)/seeds/.made
test-fuzz: fuzz-build
	@O=$(O) scripts/fuzz test $(FUZZ_SECONDS) $(or $(FUZZ_SEED),1)

fuzz: ready
	@$(MAKE) -s --no-print-directory fuzz-build
	@O=$(O) scripts/fuzz run $(FUZZ_SECONDS) $(FUZZ_SEED)
