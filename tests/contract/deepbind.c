/* SPDX-License-Identifier: MIT */
/*
 * Libraries opened with RTLD_DEEPBIND, which would find the C library's free() before the
 * allocator's: do they work, and is whoever opens one still seen as who opened it?
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/contract/case.h"
#include "tests/contract/deepbind_plugin.h"

static const char *path_of(const char *name)
{
	static char path[4096];
	const char *folder = getenv("top_builddir");

	snprintf(path, sizeof(path), "%s/tests/contract/.libs/%s", folder ? folder : ".", name);
	return path;
}

static void use(void *library)
{
	__typeof__(&deepbind_plugin_use) plugin_use;

	CHECK_THAT(library != NULL, "%s", dlerror());
	plugin_use = (__typeof__(plugin_use))dlsym(library, "deepbind_plugin_use");
	CHECK(plugin_use);
	CHECK(plugin_use() == 0);
	CHECK(!dlclose(library));
}

static void a_deeply_bound_plugin_frees_what_libc_allocated(void)
{
	use(dlopen(path_of("deepbind_plugin.so"), RTLD_NOW | RTLD_DEEPBIND));
	use(dlopen(path_of("deepbind_plugin.so"), RTLD_LAZY | RTLD_GLOBAL | RTLD_DEEPBIND));
	use(dlmopen(LM_ID_BASE, path_of("deepbind_plugin.so"), RTLD_NOW | RTLD_DEEPBIND));
}

static void a_namespace_of_its_own_has_an_allocator_of_its_own(void)
{
	use(dlmopen(LM_ID_NEWLM, path_of("deepbind_plugin.so"), RTLD_NOW));
	use(dlmopen(LM_ID_NEWLM, path_of("deepbind_plugin.so"), RTLD_NOW | RTLD_DEEPBIND));
}

static void the_search_path_is_that_of_who_opens(void)
{
	void *caller = dlopen(path_of("deepbind_caller.so"), RTLD_NOW);
	__typeof__(&deepbind_caller_open) open_there;

	CHECK_THAT(caller != NULL, "%s", dlerror());
	open_there = (__typeof__(open_there))dlsym(caller, "deepbind_caller_open");
	CHECK(open_there);
	CHECK_THAT(!dlopen("deepbind_plugin.so", RTLD_NOW), "the program finds it, too");
	use(open_there("deepbind_plugin.so", RTLD_NOW));
	use(open_there("$ORIGIN/deepbind_plugin.so", RTLD_NOW | RTLD_DEEPBIND));
}

static void what_is_not_there_is_refused_with_its_name(void)
{
	const char *text;

	CHECK(!dlopen("no-such-library.so", RTLD_NOW | RTLD_DEEPBIND));
	text = dlerror();
	CHECK(text);
	CHECK_THAT(text[0] == 'n', "%s", text);
	CHECK(dlopen(NULL, RTLD_NOW) != NULL);
}

static const struct contract_case cases[] = {
	CASE(a_deeply_bound_plugin_frees_what_libc_allocated),
	CASE(a_namespace_of_its_own_has_an_allocator_of_its_own),
	CASE(the_search_path_is_that_of_who_opens),
	CASE(what_is_not_there_is_refused_with_its_name),
};

CONTRACT_MAIN(cases)
