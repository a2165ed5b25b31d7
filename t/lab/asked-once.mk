# SPDX-License-Identifier: GPL-2.0
# Kbuild asks the compiler some seventy times what it can (scripts/Makefile.compiler, try-run), each time it runs, and
# makes and removes a folder for each. For tests that make many modules: as $MAKEFILES it is read before Kbuild's own, asks
# each question once and keeps each answer in a file in $CC_ONCE_DIR, which is there in full or not at all.
asked-space := $(subst ,, )
asked-key = asked-$(subst ',@q,$(subst \#,@h,$(subst :,@c,$(subst =,@e,$(subst $$,@d,$(subst $(asked-space),@s,$(CC_ONCE) $(CURDIR) $(1)))))))
asked-now = $(shell TMP=$$(mktemp -d); file=$$(mktemp -p $(CC_ONCE_DIR)); \
	if (TMP=$$TMP/tmp; $(1)) >/dev/null 2>&1; then a=y; else a=n; fi; rm -rf $$TMP; \
	printf '%s := %s\n' '$(2)' $$a >$$file; mv $$file $$file.mk; echo $$a)
asked = $(if $(filter undefined,$(origin $(2))),$(eval $(2) := $(call asked-now,$(1),$(2))))$(filter y,$($(2)))
override try-run = $(if $(call asked,$(1),$(call asked-key,$(1))),$(2),$(3))
include $(wildcard $(CC_ONCE_DIR)/*.mk)
