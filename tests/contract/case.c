/* SPDX-License-Identifier: MIT */
/*
 * Runs the cases of a contract program, each in a fresh process, and says for each "ok",
 * "skip" or "FAIL". Nothing here allocates in the process of a case.
 */
#include <config.h>

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/case.h"

static const char *argument;

const char *contract_argument(void)
{
	return argument;
}

/* Not by way of /proc, which may not be mounted. */
const char *contract_program(void)
{
	static char path[PATH_MAX];

	if (!path[0] && !realpath((const char *)getauxval(AT_EXECFN), path))
		contract_fail(__FILE__, __LINE__, "no path to this program: %s",
			      strerror(errno));
	return path;
}

const char *contract_library(void)
{
	const char *library = getenv("HAKMEM_LIB");

	if (library && access(library, R_OK) == 0)
		return library;
	dprintf(2, "HAKMEM_LIB must name libhakmem.so; it is \"%s\"\n",
		library ? library : "");
	_exit(CONTRACT_BROKEN);
}

void contract_use_library(const char *path)
{
	const char *folder = getenv("top_builddir");
	char library[PATH_MAX];

#ifdef HAKMEM_LTO
	contract_skip("link-time optimization leaves no calls to put anything between");
#endif
	snprintf(library, sizeof(library), "%s/%s", folder ? folder : ".", path);
	setenv("HAKMEM_LIB", library, 1);
}

bool contract_is_of_library(const void *address)
{
	struct stat wanted, found;
	Dl_info info;

	if (!address || !dladdr(address, &info) || stat(contract_library(), &wanted))
		return false;
	return stat(info.dli_fname, &found) == 0 && found.st_dev == wanted.st_dev &&
	       found.st_ino == wanted.st_ino;
}

void contract_look_up(void *place, const char *name)
{
	void *found = dlsym(RTLD_DEFAULT, name);

	CHECK_THAT(contract_is_of_library(found), "%s: not the library's", name);
	memcpy(place, &found, sizeof(found));
}

void contract_fail(const char *file, int line, const char *format, ...)
{
	char text[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	dprintf(2, "%s:%d: %s\n", file, line, text);
	_exit(1);
}

void contract_skip(const char *format, ...)
{
	char text[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	dprintf(1, "# skipped: %s\n", text);
	_exit(CONTRACT_SKIPPED);
}

/* A library built with a sanitizer cannot be preloaded: its runtime must come first. */
static bool has_sanitizer(const char *library)
{
	static const char *const marks[] = { "__asan_init", "__tsan_init" };
	int fd = open(library, O_RDONLY | O_CLOEXEC);
	struct stat status;
	bool found = false;
	void *text;

	if (fd < 0 || fstat(fd, &status) || status.st_size == 0)
		return false;
	text = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (text == MAP_FAILED)
		return false;
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		found |= memmem(text, (size_t)status.st_size, marks[i],
				strlen(marks[i])) != NULL;
	munmap(text, (size_t)status.st_size);
	return found;
}

/* CONTRACT_OPTIONS: for cases that ask for none, so that all can be run with some. */
static void set_default_options(void)
{
	const char *options = getenv("CONTRACT_OPTIONS");

	if (options && *options)
		setenv("HAKMEM_OPTIONS", options, 1);
	else
		unsetenv("HAKMEM_OPTIONS");
}

/* Before the library: what sees the program crash (tests/refused/crash.c). */
static const char *preloaded(void)
{
	static char list[2 * PATH_MAX];
	const char *shim = getenv("CONTRACT_SHIM");

	if (!shim)
		return contract_library();
	snprintf(list, sizeof(list), "%s %s", shim, contract_library());
	return list;
}

static void start_process(const struct contract_case *one, char **argv)
{
	if (one->kind == PLAIN)
		unsetenv("LD_PRELOAD");
	else
		setenv("LD_PRELOAD", preloaded(), 1);
	if (one->options)
		setenv("HAKMEM_OPTIONS", one->options, 1);
	else if (one->kind != PART)
		set_default_options();
	execv(contract_program(), argv);
	dprintf(2, "cannot start %s: %s\n", one->name, strerror(errno));
	_exit(CONTRACT_BROKEN);
}

static volatile sig_atomic_t alarms;
static bool traces;

/*
 * The first alarm may be that of a virtual machine that was paused: its clock jumps, and its
 * programs have not run. Only the second is the end.
 */
static void on_alarm(int number)
{
	void *callers[64];

	if (alarms++ == 0) {
		alarm(CONTRACT_LIMIT_S / 2);
		return;
	}
	if (traces)
		backtrace_symbols_fd(callers, backtrace(callers, 64), 2);
	signal(number, SIG_DFL);
	raise(number);
}

static void give_a_second_chance(void)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };

	CHECK(!sigaction(SIGALRM, &action, NULL));
}

void contract_trace_hangs(void)
{
	void *caller;

	/* The first call loads a library, and allocates. */
	backtrace(&caller, 1);
	traces = true;
}

/* The process of one case: the environment is made right by starting over, once. */
static int run_here(const struct contract_case *one, char **argv)
{
	const char *preload = getenv("LD_PRELOAD");
	const char *options = getenv("HAKMEM_OPTIONS");

	if (one->kind == PRELOADED && (!preload || strcmp(preload, preloaded())))
		start_process(one, argv);
	/* a part has what its starter gave it; by hand, what a case has */
	if (one->kind == PART && !preload)
		start_process(one, argv);
	if (one->options && (!options || strcmp(options, one->options)))
		start_process(one, argv);
	if (one->kind == PRELOADED)
		CHECK_THAT(contract_is_of_library(dlsym(RTLD_DEFAULT, "malloc")),
			   "malloc does not come from %s", contract_library());
	give_a_second_chance();
	one->run();
	return 0;
}

/* Returns 0, 1 or 77, and has said which. */
static int run_apart(const struct contract_case *one, char *program)
{
	char *argv[] = { program, (char *)one->name, NULL };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		/* a group of its own, so that none of its children is left behind */
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(CONTRACT_LIMIT_S);	/* outlives the exec */
		start_process(one, argv);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		printf("FAIL %s: %s\n", one->name, strerror(errno));
		return 1;
	}
	kill(-pid, SIGKILL);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		printf("ok %s\n", one->name);
		return 0;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == CONTRACT_SKIPPED) {
		printf("skip %s\n", one->name);
		return CONTRACT_SKIPPED;
	}
	if (WIFEXITED(status))
		printf("FAIL %s: exit %d\n", one->name, WEXITSTATUS(status));
	else if (WTERMSIG(status) == SIGALRM)
		printf("FAIL %s: still busy after %d s\n", one->name,
		       CONTRACT_LIMIT_S + CONTRACT_LIMIT_S / 2);
	else
		printf("FAIL %s: signal %d (%s)\n", one->name, WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	return 1;
}

static int run_all(const struct contract_case *cases, size_t count, char *program)
{
	size_t failed = 0, skipped = 0, started = 0;

	for (size_t i = 0; i < count; i++) {
		int result;

		if (cases[i].kind == PART)
			continue;
		started++;
		fflush(stdout);
		result = run_apart(&cases[i], program);
		failed += result == 1;
		skipped += result == CONTRACT_SKIPPED;
	}
	if (failed)
		return 1;
	return skipped == started ? CONTRACT_SKIPPED : 0;
}

static bool needs_preloading(const struct contract_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (cases[i].kind != PLAIN)
			return true;
	return false;
}

int contract_main(int argc, char **argv, const struct contract_case *cases, size_t count)
{
	if (needs_preloading(cases, count) && has_sanitizer(contract_library())) {
		printf("# skipped: a library with a sanitizer cannot be preloaded\n");
		return CONTRACT_SKIPPED;
	}
	if (argc < 2)
		return run_all(cases, count, argv[0]);
	argument = argc > 2 ? argv[2] : NULL;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(cases[i].name, argv[1]))
			return run_here(&cases[i], argv);
	dprintf(2, "no case \"%s\"; there are:\n", argv[1]);
	for (size_t i = 0; i < count; i++)
		dprintf(2, "  %s\n", cases[i].name);
	return CONTRACT_BROKEN;
}
