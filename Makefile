# SPDX-License-Identifier: GPL-2.0
#
#	make			build/elfkit
#	make demo		a live scheduler swap in a virtual machine, from nothing
#	make check		all tests
#	make bench		times beside objdump and pahole, and of a switch in a VM
#	make soak		an hour of loads and unloads under load, SOAK_TIME=3600, and those of a debug kernel
#	make breaks		elfkit broken on purpose: a test must notice each time
#	make fuzz		every reader, with damaged input; FUZZ_TIME=60 seconds each
#	make deb, make rpm	elfkit as a package, in build/packages
#	make check-examples	what README and docs/ show, command by command
#	make check-fleet	a roll-out to three virtual machines; takes a while
#	make check-packages	packages in a virtual machine with systemd, boots and upgrades; takes a while
#	make analyze		clang-tidy, gcc's analyzer and sparse over everything
#	make check-sanitized	the tests that need no virtual machine, with sanitizers
#	make man		the manual pages, build/man
#	make install		PREFIX=/usr/local DESTDIR=
#	make uninstall		of the same PREFIX and DESTDIR
#	make clean
#	make compile_commands.json
#
# Variables: CC=clang, SANITIZE=address,undefined, V=1, CFLAGS, LDFLAGS.

VERSION := 0.1
PREFIX ?= /usr/local
DATADIR = $(PREFIX)/share/elfkit
MANDIR = $(PREFIX)/share/man
BASHDIR = $(PREFIX)/share/bash-completion/completions
ZSHDIR = $(PREFIX)/share/zsh/site-functions
CFLAGS ?= -O2 -g

# The modules in the order of reading: a file includes only what stands above it.
MODULES := \
	elfkit/memory \
	elfkit/err \
	elfkit/terminal \
	elfkit/near \
	elfkit/output \
	elfkit/parallel \
	elfkit/policy \
	elfkit/image \
	elfkit/debuginfod \
	elfkit/running \
	elfkit/symbols \
	elfkit/mapping \
	elfkit/typeinfo_die \
	elfkit/debuginfo \
	elfkit/cfi \
	elfkit/types \
	elfkit/typeinfo_place \
	elfkit/typeinfo_resolve \
	elfkit/typeinfo \
	elfkit/typeinfo_find \
	elfkit/members \
	disasm/x86_layout \
	disasm/x86_operands \
	disasm/x86 \
	elfkit/funcs \
	elfkit/variables \
	disasm/tables \
	disasm/refs \
	elfkit/crosscheck \
	disasm/flow \
	disasm/symbolic \
	disasm/frame \
	disasm/resume \
	disasm/keep \
	elfkit/frame_out \
	disasm/typeflow_value \
	disasm/typeflow_learnt \
	disasm/typeflow_code \
	disasm/typeflow \
	elfkit/boundary \
	elfkit/sharing \
	elfkit/sleep \
	elfkit/copies \
	elfkit/declarations \
	elfkit/structs \
	elfkit/kernel \
	elfkit/unknown \
	elfkit/units \
	elfkit/survey \
	elfkit/why \
	elfkit/report_order \
	elfkit/report_out \
	elfkit/report_objects \
	elfkit/report_structs \
	elfkit/report \
	elfkit/graph \
	elfkit/dot \
	elfkit/page \
	elfkit/page_boundary \
	elfkit/report_read \
	elfkit/pair \
	elfkit/diff \
	elfkit/diff_functions \
	elfkit/diff_data \
	elfkit/diff_write \
	elfkit/page_diff \
	relink/object \
	relink/object_write \
	relink/section \
	relink/object_refs \
	relink/match \
	relink/remarks \
	relink/remarks_write \
	relink/shape \
	relink/shape_find \
	relink/compare \
	relink/symvers \
	relink/holders \
	relink/bind \
	relink/literals \
	relink/lines \
	relink/check \
	relink/check_types \
	relink/check_objects \
	relink/check_inlines \
	relink/changes \
	relink/rewrite \
	relink/updates \
	relink/behind \
	relink/ahead \
	relink/adapter_code \
	relink/adapter_proof \
	relink/orc \
	relink/adapter \
	relink/pieces \
	relink/reach \
	relink/cut \
	relink/cut_orc \
	relink/debug_line \
	relink/debug_cut \
	relink/prune \
	relink/state \
	relink/bodies \
	relink/records \
	relink/table \
	relink/manifest \
	relink/module \
	relink/standalone \
	relink/relink \
	elfkit/kmsg \
	elfkit/loaded \
	elfkit/loaded_write \
	elfkit/outcome \
	elfkit/refs_out \
	elfkit/modfile \
	elfkit/control \
	elfkit/trial \
	elfkit/pack_text \
	elfkit/pack \
	elfkit/pack_make \
	elfkit/cmd \
	elfkit/cmd_boundary \
	elfkit/cmd_diff \
	elfkit/cmd_frame \
	elfkit/cmd_load \
	elfkit/cmd_pack \
	elfkit/cmd_refs \
	elfkit/cmd_relink \
	elfkit/cmd_status \
	elfkit/cmd_unload \
	elfkit/main

PACKAGES := libelf libdw capstone yaml-0.1 jansson

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n'
endif

BUILD := build
LIB := $(BUILD)/libelfkit.a
OBJECTS := $(MODULES:%=$(BUILD)/obj/%.o)
LIB_OBJECTS := $(filter-out $(BUILD)/obj/elfkit/main.o,$(OBJECTS))
UNIT_TESTS := $(patsubst t/unit/%.c,$(BUILD)/t/unit/%,$(wildcard t/unit/*_test.c))
FUZZ_TARGETS := $(patsubst t/fuzz/%.c,$(BUILD)/t/fuzz/%,$(wildcard t/fuzz/*.c))
GUEST_PROGRAMS := $(patsubst t/vm/%.c,$(BUILD)/t/vm/%,$(wildcard t/vm/*.c))

# Goals that need no library; the others ask pkg-config, once.
NO_LIBRARIES := clean demo check check-sanitized breaks check-examples check-fleet check-packages fuzz setup uninstall deb rpm
ifneq ($(filter-out $(NO_LIBRARIES),$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell pkg-config --exists $(PACKAGES) 2>/dev/null && echo yes),yes)
$(error a library is missing of: $(PACKAGES). On Debian, t/lab/setup installs them)
endif
LIB_CFLAGS := $(shell pkg-config --cflags $(PACKAGES))
# threads and dlopen have libraries of their own before glibc 2.34
LIB_LDLIBS := $(shell pkg-config --libs $(PACKAGES)) -pthread -ldl
# capstone 5 sits in a folder of its own in some distributions, in none in others
LIB_CFLAGS += $(patsubst %/capstone,%,$(filter -I%/capstone,$(LIB_CFLAGS)))
endif

SANITIZE_FLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
ALL_CFLAGS = -std=gnu11 -pthread -Wall -Wextra $(SANITIZE_FLAGS) $(CFLAGS) -D_GNU_SOURCE \
	-DELFKIT_VERSION='"$(VERSION)"' -DELFKIT_DATADIR='"$(DATADIR)"' -I. $(LIB_CFLAGS)
ALL_LDFLAGS = -pthread $(SANITIZE_FLAGS) $(LDFLAGS)

all: $(BUILD)/elfkit
units: $(UNIT_TESTS) $(BUILD)/t/accesses
guest: $(GUEST_PROGRAMS)
fuzz-targets: $(FUZZ_TARGETS) $(BUILD)/elfkit
.PHONY: all units guest fuzz-targets man man-tools demo check check-sanitized analyze show-flags breaks check-examples check-fleet check-packages bench soak \
	fuzz fuzz-build setup install uninstall deb rpm clean FORCE
.DELETE_ON_ERROR:

$(BUILD)/elfkit: $(BUILD)/obj/elfkit/main.o $(LIB) $(BUILD)/flags
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIB_LDLIBS)

$(LIB): $(LIB_OBJECTS)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/elfkit/pack_text.o: $(wildcard elfkit/pack/*)

$(BUILD)/t/unit/%: t/unit/%.c $(LIB) $(BUILD)/flags
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(shell pkg-config --cflags cmocka) -MMD -MP -MF $@.d $(ALL_LDFLAGS) \
		-o $@ $< $(LIB) $(LIB_LDLIBS) $(shell pkg-config --libs cmocka)

# What the tests ask elfkit's insides on a real kernel.
$(BUILD)/t/accesses: t/accesses.c $(LIB) $(BUILD)/flags
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(ALL_LDFLAGS) -o $@ $< $(LIB) $(LIB_LDLIBS)

# One program a fuzz target; clang's libFuzzer brings main().
$(BUILD)/t/fuzz/%: t/fuzz/%.c $(LIB) $(BUILD)/flags
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(LIB) $(LIB_LDLIBS)

# It has the sources of the page in it.
$(BUILD)/obj/elfkit/page.o: $(wildcard elfkit/page/*)

# Programs for the virtual machine: static, so that they need nothing there.
$(BUILD)/t/vm/%: t/vm/%.c $(wildcard t/vm/*.h)
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -static -pthread -o $@ $<

# Everything is built anew when a flag changes.
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@echo '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LIB_LDLIBS))' | cmp -s - $@ || \
		echo '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LIB_LDLIBS))' > $@

-include $(OBJECTS:.o=.d) $(UNIT_TESTS:=.d) $(FUZZ_TARGETS:=.d)

setup:
	@t/lab/setup

demo:
	@t/lab/setup demo
	@$(MAKE) --no-print-directory all guest
	@t/demo

# Kernels and trees are made first, so that their progress shows.
KERNELS ?= 6.1 6.12
check: setup
	@$(MAKE) --no-print-directory -j$(shell nproc) all units guest man
	@for k in $(KERNELS); do t/lab/tree $$k none && t/lab/tree $$k hello || exit 1; done >/dev/null
	@KERNELS='$(KERNELS)' BUILD=$(BUILD) t/run

# A build of its own. What builds elfkit again for itself is left out, and so are virtual machines, which run no elfkit.
SANITIZED_TESTS ?= $(filter-out $(addprefix t/,build.t checkers.t damage.t docs.t edits.t frame.t fuzz.t layers.t people.t \
	state.t vm.t),$(wildcard t/*.t))
check-sanitized: setup
	@$(MAKE) --no-print-directory SANITIZE=address,undefined CFLAGS='-O1 -g' BUILD=$(BUILD)/sanitized all units
	@KERNELS='$(KERNELS)' BUILD=$(BUILD)/sanitized ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
		t/run $(BUILD)/sanitized/t/unit/*_test $(SANITIZED_TESTS)

analyze:
	@CHECKERS_ALL=1 KERNELS='$(KERNELS)' BUILD=$(BUILD) t/run t/checkers.t

# What t/checkers.t gives to compilers.
show-flags:
	@printf '%s\n' '$(subst ','\'',$(ALL_CFLAGS))'

bench: all guest
	@KERNELS='$(KERNELS)' BUILD=$(BUILD) t/bench

check-packages: setup
	@$(MAKE) --no-print-directory all guest
	@$(MAKE) --no-print-directory deb rpm
	@lintian --fail-on error $(OUT)/elfkit_*.deb
	@rpmlint -r docs/packaging/rpmlintrc-elfkit $(OUT)/elfkit-*.rpm
	@KERNELS='$(KERNELS)' BUILD=$(BUILD) prove --exec '' t/packaged

# Every command that README and docs/ show.
check-examples: setup
	@$(MAKE) --no-print-directory all
	@KERNELS='$(KERNELS)' BUILD=$(BUILD) t/run t/shown

check-fleet: setup
	@$(MAKE) --no-print-directory all deb
	@KERNELS='$(KERNELS)' BUILD=$(BUILD) prove --exec '' t/fleet

soak: all guest
	@KERNELS='$(KERNELS)' BUILD=$(BUILD) t/soak
	@BUILD=$(BUILD) t/debug

breaks: setup
	@KERNELS='$(KERNELS)' t/breaks/run $(BREAKS)

# A build of its own: every edge is counted, and sanitizers watch. Of several at once the first makes it.
fuzz-build:
	@mkdir -p $(BUILD)/fuzz
	@flock $(BUILD)/fuzz/make.lock $(MAKE) --no-print-directory CC=clang \
		SANITIZE=fuzzer-no-link,address,undefined CFLAGS='-O1 -g1 -Werror' \
		BUILD=$(BUILD)/fuzz fuzz-targets

fuzz: fuzz-build
	@BUILD=$(BUILD)/fuzz t/fuzz/run $(FUZZ_TARGET)

# The manual: --help is the source, docs/man/ has what it does not say; boundary.yaml's is a section of
# docs/boundary.md. Dated with the last commit, or the day the source was packed.
COMMANDS := $(patsubst elfkit/cmd_%,%,$(filter elfkit/cmd_%,$(MODULES)))
PAGES := $(COMMANDS:%=$(BUILD)/man/elfkit-%.1) $(BUILD)/man/elfkit.1 $(BUILD)/man/elfkit-boundary.yaml.5
DATE = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y Makefile))
HELP2MAN = SOURCE_DATE_EPOCH=$(DATE) ARGP_HELP_FMT=no-dup-args-note,rmargin=120 help2man --no-info --section 1 \
	--manual 'elfkit manual' --source 'elfkit $(VERSION)' --version-string $(VERSION) --include docs/man/common.h2m
man: $(PAGES)
$(PAGES): | man-tools
man-tools:
	@command -v help2man lowdown >/dev/null || { echo 'the manual takes help2man and lowdown: t/lab/setup installs them' >&2; exit 1; }

$(BUILD)/man/elfkit-%.1: $(BUILD)/elfkit docs/man/common.h2m
	$(say) MAN $@
	$(Q)mkdir -p $(@D)
	$(Q)$(HELP2MAN) --name "$$($(BUILD)/elfkit --help | sed -n 's/^  $* *//p')" '$(BUILD)/elfkit $*' | \
		sed 's/^\.TH ELFKIT /.TH ELFKIT-$(shell echo $* | tr a-z A-Z) /; s/^elfkit $* \\-/elfkit-$* \\-/' > $@

$(BUILD)/man/elfkit.1: $(BUILD)/elfkit docs/man/common.h2m docs/man/elfkit.h2m
	$(say) MAN $@
	$(Q)mkdir -p $(@D)
	$(Q)$(HELP2MAN) --name 'replace the scheduler of a running kernel' --include docs/man/elfkit.h2m -o $@ $<

$(BUILD)/man/elfkit-boundary.yaml.5: docs/boundary.md docs/man/boundary.yaml.md
	$(say) MAN $@
	$(Q)mkdir -p $(@D)
	$(Q)sed '/^## boundary.yaml/,/^## /!d; /^## /d; s/^##//; s/\[\([^]]*\)\]([^)]*)/\1/g' $< | cat docs/man/boundary.yaml.md - | \
		lowdown -s -Tman -m section=5 -m title=elfkit-boundary.yaml -m source='elfkit $(VERSION)' \
		-m date=$$(date -u -d @$(DATE) +%F) -o $@

install: all man
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(DATADIR)/loader $(DESTDIR)$(DATADIR)/include \
		$(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR)
	install $(BUILD)/elfkit $(DESTDIR)$(PREFIX)/bin/elfkit
	install -m 644 boundary.yaml $(DESTDIR)$(DATADIR)/boundary.yaml
	install -m 644 loader/*.c loader/*.h $(DESTDIR)$(DATADIR)/loader
	install -m 644 loader/elfkit.h $(DESTDIR)$(DATADIR)/include/elfkit.h
	install -m 644 $(filter %.1,$(PAGES)) $(DESTDIR)$(MANDIR)/man1
	install -m 644 $(filter %.5,$(PAGES)) $(DESTDIR)$(MANDIR)/man5
	install -m 644 docs/completion/elfkit.bash $(DESTDIR)$(BASHDIR)/elfkit
	install -m 644 docs/completion/elfkit.zsh $(DESTDIR)$(ZSHDIR)/_elfkit

uninstall:
	rm -rf $(DESTDIR)$(DATADIR)
	rm -f $(DESTDIR)$(PREFIX)/bin/elfkit $(PAGES:$(BUILD)/man/%.1=$(DESTDIR)$(MANDIR)/man1/%.1) \
		$(DESTDIR)$(MANDIR)/man5/elfkit-boundary.yaml.5 $(DESTDIR)$(BASHDIR)/elfkit $(DESTDIR)$(ZSHDIR)/_elfkit

# elfkit as packages, made of a copy of the source without tests; what the two formats want is in docs/packaging.
# It all happens in a folder of its own for each.
PACKAGER ?= elfkit packager <packager@example.org>
OUT = $(abspath $(BUILD))/packages
SOURCE = $(OUT)/$@/elfkit-$(VERSION)
define copy-source
	$(Q)rm -rf $(OUT)/$@ && mkdir -p $(SOURCE)
	$(Q)cp -R elfkit disasm relink loader docs boundary.yaml Makefile README.md LICENSE $(SOURCE)
endef
CLEAN_ENV = env -u MAKEFLAGS -u MAKELEVEL -u BUILD -u CFLAGS SOURCE_DATE_EPOCH=$(DATE)

deb:
	$(copy-source)
	$(Q)cp -R docs/packaging/debian $(SOURCE) && sed -i 's/@PACKAGER@/$(PACKAGER)/' $(SOURCE)/debian/control
	$(Q)printf 'elfkit ($(VERSION)) unstable; urgency=medium\n\n  * This version.\n\n -- $(PACKAGER)  %s\n' \
		"$$(LC_ALL=C date -u -R -d @$(DATE))" > $(SOURCE)/debian/changelog
	$(Q)cd $(SOURCE) && $(CLEAN_ENV) dpkg-buildpackage -b -us -uc > $(OUT)/deb.log 2>&1 || { tail -n 30 $(OUT)/deb.log >&2; exit 1; }
	@mv $(OUT)/$@/elfkit_*.deb $(OUT) && rm -rf $(OUT)/$@ && echo $(OUT)/elfkit_*.deb

# Where RPM's database knows no make, as on Debian, it cannot know what else the build needs.
rpm:
	$(copy-source)
	$(Q)tar -C $(OUT)/$@ --sort=name --owner=0 --group=0 --mtime=@$(DATE) -czf $(SOURCE).tar.gz elfkit-$(VERSION)
	$(Q)sed 's/@VERSION@/$(VERSION)/; s/@PACKAGER@/$(PACKAGER)/; s/@RPM_DATE@/'"$$(LC_ALL=C date -u -d @$(DATE) '+%a %b %d %Y')"'/' \
		docs/packaging/elfkit.spec > $(OUT)/$@/elfkit.spec
	$(Q)$(CLEAN_ENV) rpmbuild -bb $$(rpm -q --quiet make 2>/dev/null || echo --nodeps) \
		--define '_topdir $(OUT)/$@' --define '_sourcedir $(OUT)/$@' --define '_rpmdir $(OUT)' --define '_buildhost elfkit' \
		--define 'use_source_date_epoch_as_buildtime 1' --define 'clamp_mtime_to_source_date_epoch 1' \
		--define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' $(OUT)/$@/elfkit.spec \
		> $(OUT)/rpm.log 2>&1 || { tail -n 30 $(OUT)/rpm.log >&2; exit 1; }
	@rm -rf $(OUT)/$@ && echo $(OUT)/elfkit-*.rpm

clean:
	rm -rf $(BUILD) compile_commands.json

# What a language server reads.
compile_commands.json: FORCE
	$(Q)rm -f $@ && bear --output $@ -- $(MAKE) --no-print-directory -B all
