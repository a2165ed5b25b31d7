// SPDX-License-Identifier: GPL-2.0
/* elfkit relink: rebuilt objects to a module, with the running kernel as the default. */
#include <argp.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "elfkit/cmd.h"
#include "relink/relink.h"

enum { OPT_VMLINUX = 256, OPT_KERNEL_DIR };

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0, "what the scheduler is (default: boundary.yaml of the installation)", 0 },
	{ "vmlinux", OPT_VMLINUX, "FILE", 0, "the kernel with DWARF (default: the running kernel's)", 0 },
	{ "kernel-dir", OPT_KERNEL_DIR, "DIR", 0,
	  "the kernel's headers for building modules (default: /lib/modules/$(uname -r)/build)", 0 },
	{ "output", 'o', "OUT.ko", 0, "the module (default: named after the first object)", 0 },
	{ 0 },
};

struct args {
	struct relink_options relink;
	char **objects;
	uint32_t cap;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'c':
		args->relink.policy = arg;
		return 0;
	case 'o':
		args->relink.output = arg;
		return 0;
	case OPT_VMLINUX:
		args->relink.vmlinux = arg;
		return 0;
	case OPT_KERNEL_DIR:
		args->relink.kernel_dir = arg;
		return 0;
	case ARGP_KEY_ARG:
		GROW(args->objects, args->relink.nr_objects, args->cap);
		args->objects[args->relink.nr_objects++] = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no object is given");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "NEW.o...",
	.doc = "Make rebuilt scheduler objects into a module for a running kernel.\v"
	       "After editing kernel/sched/*.c and `make kernel/sched/`:\n\n"
	       "  elfkit relink -o mysched.ko kernel/sched/*.o && insmod mysched.ko",
};

/* Where distributions put the vmlinux of a debug package, or a build its own. */
static struct err *find_vmlinux(const char *release, char **ret)
{
	static const char *const places[] = {
		"/usr/lib/debug/boot/vmlinux-%s",
		"/usr/lib/debug/lib/modules/%s/vmlinux",
		"/lib/modules/%s/build/vmlinux",
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *hole = strstr(places[i], "%s");
		AUTO_FREE char *path = xasprintf("%.*s%s%s", (int)(hole - places[i]), places[i], release, hole + 2);

		if (!access(path, R_OK)) {
			*ret = xstrdup(path);
			return NULL;
		}
	}
	return err_new("no vmlinux with debug information for the running kernel %s: install its debug package (linux-image-%s-dbg on Debian), or name the file with --vmlinux",
		       release, release);
}

/* DIR/core.o gives core.ko in the current directory. */
static char *default_output(const char *object)
{
	const char *slash = strrchr(object, '/'), *base = slash ? slash + 1 : object;
	size_t len = strlen(base);

	if (len > 2 && !strcmp(base + len - 2, ".o"))
		len -= 2;
	return xasprintf("%.*s.ko", (int)len, base);
}

static void print_line(const char *line, void *arg __attribute__((unused)))
{
	fprintf(stderr, "%s\n", line);
}

struct err *cmd_relink(int argc, char **argv, int *status)
{
	AUTO_FREE char *policy = NULL, *loader = NULL, *vmlinux = NULL, *kernel_dir = NULL, *output = NULL;
	struct args args = { .relink.progress = print_line };
	struct relink_options *o = &args.relink;
	struct utsname uts;
	struct err *err = NULL;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	uname(&uts);
	if (!o->policy) {
		err = data_path("boundary.yaml", &policy);
		o->policy = policy;
	}
	err = err ?: data_path("loader", &loader);
	o->loader_dir = loader;
	if (!err && !o->vmlinux) {
		err = find_vmlinux(uts.release, &vmlinux);
		o->vmlinux = vmlinux;
	}
	if (!o->kernel_dir)
		o->kernel_dir = kernel_dir = xasprintf("/lib/modules/%s/build", uts.release);
	if (!o->output)
		o->output = output = default_output(args.objects[0]);
	o->objects = args.objects;
	err = err ?: relink(o);
	if (!err)
		fprintf(stderr, "relink: wrote %s\n", o->output);
	free(args.objects);
	*status = EXIT_CLEAN;
	return err;
}
