// SPDX-License-Identifier: GPL-2.0
/*
 * Names.  A module is called SCHEDULER or SCHEDULER_VERSION, where VERSION begins with a digit: modules of
 * one name cannot take over from each other, so each version should have a name of its own.
 */
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elfkit/pack.h"

/* What both formats allow in a version (deb-version(7); RPM has no "-", Debian no "^"). */
static const char version_chars[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+~";

/* Where "_VERSION" of a module's name begins, or its end. */
static const char *suffix(const char *name)
{
	for (const char *s = name + 1; *s; s++)
		if (*s == '_' && isdigit((unsigned char)s[1]))
			return s;
	return name + strlen(name);
}

/* @text with each character that @allowed has not replaced by @other. */
static char *mapped(char *text, const char *allowed, char other)
{
	for (char *s = text; *s; s++)
		if (!strchr(allowed, *s))
			*s = other;
	return text;
}

static char *lower(char *text)
{
	for (char *s = text; *s; s++)
		*s = tolower((unsigned char)*s);
	return text;
}

/* Text goes into lines of control files. */
static struct err *check_line(const char *option, const char *text)
{
	for (const char *s = text; s && *s; s++)
		if (iscntrl((unsigned char)*s))
			return err_new("%s: a line break or another control character in it", option);
	return text && !*text ? err_new("%s: there is nothing in it", option) : NULL;
}

static struct err *find_time(const char *path, time_t *ret)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	struct stat st;
	char *end;

	if (stat(path, &st))
		return err_new("%s: %s", path, strerror(errno));
	*ret = st.st_mtime;
	if (!epoch || !*epoch)
		return NULL;
	errno = 0;
	*ret = strtoll(epoch, &end, 10);
	return errno || *end || *ret < 0 ? err_new("SOURCE_DATE_EPOCH: %s is no number of seconds", epoch) : NULL;
}

static struct err *find_version(const char *given, struct pack *pack)
{
	const char *of_name = suffix(pack->module.name);
	struct tm tm;
	char day[32];

	if (given && (!isdigit((unsigned char)*given) || given[strspn(given, version_chars)]))
		return err_new("--pkgversion: %s: a version begins with a digit and has letters, digits, \".\", \"+\" and \"~\"",
			       given);
	strftime(day, sizeof(day), "%Y%m%d.%H%M%S", gmtime_r(&pack->time, &tm));
	pack->version = given ? xstrdup(given) : *of_name ? mapped(xstrdup(of_name + 1), version_chars, '.') :
			xstrdup(day);
	return NULL;
}

/* As other tools that make packages do: DEBFULLNAME and DEBEMAIL, or who is working here. */
static struct err *find_maintainer(const char *given, struct pack *pack)
{
	const char *name = getenv("DEBFULLNAME"), *address = getenv("DEBEMAIL");
	const struct passwd *user = getpwuid(geteuid());
	char host[256] = "";
	const char *login = user ? user->pw_name : "root";

	gethostname(host, sizeof(host) - 1);
	if (given && (!strchr(given, '<') || given[strlen(given) - 1] != '>'))
		return err_new("--maintainer: %s: not of the form \"NAME <ADDRESS>\"", given);
	pack->maintainer = given ? xstrdup(given) :
			   address && *address ? xasprintf("%s <%s>", name && *name ? name : login, address) :
			   xasprintf("%s <%s@%s>", login, login, host);
	return NULL;
}

static void name_things(struct pack *pack)
{
	static const char both[] = "abcdefghijklmnopqrstuvwxyz0123456789.+-";
	static const char unit[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_";
	const struct modfile *m = &pack->module;
	char *s;

	pack->scheduler = strndup(m->name, suffix(m->name) - m->name);
	pack->package = mapped(lower(xasprintf("elfkit-sched-%s-%s", pack->scheduler, m->release)), both, '-');
	pack->image = mapped(lower(xasprintf("linux-image-%s", m->release)), both, '-');
	pack->unit = mapped(xasprintf("elfkit-sched-%s-%s.service", pack->scheduler, m->release), unit, '_');
	pack->file = xasprintf("/usr/lib/elfkit/%s/%s.ko", m->release, pack->scheduler);
	pack->modules = xasprintf("%s,%s_[0-9]*", pack->scheduler, pack->scheduler);
	/* a package's name ends as it may begin */
	for (s = pack->package + strlen(pack->package); !isalnum((unsigned char)s[-1]);)
		*--s = '\0';
}

/* It becomes a path, and stands in scripts. */
static struct err *check_release(const char *path, const struct modfile *m)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_~";

	if (m->machine != EM_X86_64)
		return err_new("%s: not for x86-64", path);
	if (!isdigit((unsigned char)*m->release) || m->release[strspn(m->release, allowed)])
		return err_new("%s: it says that it is for kernel %s, which is no release", path, m->release);
	if (m->name[strspn(m->name, allowed)] || strpbrk(m->name, ".+-~") || !isalpha((unsigned char)*m->name))
		return err_new("%s: %s is no name of a scheduler: letters, digits and _, a letter first", path, m->name);
	return NULL;
}

struct err *pack_prepare(const struct pack_options *o, struct pack *ret)
{
	struct err *err = check_line("--maintainer", o->maintainer);

	memset(ret, 0, sizeof(*ret));
	err = err ?: check_line("--description", o->description);
	err = err ?: check_line("--health", o->health);
	if (!err && o->probation && !o->health)
		err = err_new("--probation: nobody would confirm at boot, and it would always go back; --health names what does");
	err = err ?: find_time(o->module, &ret->time);
	err = err ?: modfile_read(o->module, &ret->module);
	err = err ?: check_release(o->module, &ret->module);
	err = err ?: find_version(o->version, ret);
	err = err ?: find_maintainer(o->maintainer, ret);
	if (err) {
		pack_release(ret);
		return err;
	}
	name_things(ret);
	ret->probation = o->probation;
	ret->health = xstrdup(o->health ? o->health : "");
	ret->description = o->description ? xstrdup(o->description) :
			   xasprintf("scheduler %s of Linux %s", ret->scheduler, ret->module.release);
	return NULL;
}

void pack_release(struct pack *pack)
{
	modfile_release(&pack->module);
	free(pack->scheduler);
	free(pack->version);
	free(pack->maintainer);
	free(pack->description);
	free(pack->health);
	free(pack->package);
	free(pack->unit);
	free(pack->file);
	free(pack->modules);
	free(pack->image);
	memset(pack, 0, sizeof(*pack));
}
