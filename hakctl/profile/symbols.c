/* SPDX-License-Identifier: MIT */
/* See symbols.h. Names of C++ are made readable by libstdc++, where there is one. */
#include <config.h>

#include "hakctl/profile/symbols.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hakctl/output/message.h"
#include "hakctl/profile/rust_name.h"
#include "hakctl/profile/rust_old_name.h"

#ifdef HAVE_LIBDW

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

typedef char *demangle_function(const char *name, char *buffer, size_t *length, int *status);

struct symbols {
	Dwfl *dwfl;
	demangle_function *demangle;
};

static pid_t looked_at; /* the callback below is told of no more than a module */

/* Whoever owns it could make it shorter while it is mapped here. */
static int copy_of_others(int file)
{
	struct stat what;
	int copy;

	if (fstat(file, &what) || !S_ISREG(what.st_mode)) {
		close(file);
		return -1;
	}
	if (what.st_uid == 0 || what.st_uid == geteuid())
		return file;
	copy = memfd_create("hakctl-symbols", MFD_CLOEXEC);
	while (copy >= 0 && sendfile(copy, file, NULL, 1 << 20) > 0)
		;
	close(file);
	return copy;
}

static int find_elf(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
		    char **file_name, Elf **elf)
{
	char path[PATH_MAX];
	int file = -1;

	if (name[0] == '/') {
		snprintf(path, sizeof(path), "/proc/%d/root%s", (int)looked_at, name);
		file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	}
	if (file < 0)
		return name[0] == '[' ? dwfl_linux_proc_find_elf(module, userdata, name, base,
								 file_name, elf) :
					-1;
	*file_name = strdup(path);
	return copy_of_others(file);
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
};

static int add_mapping(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr start,
		       void *argument)
{
	struct heap_profile *profile = argument;
	struct profile_mapping *mapping;
	const unsigned char *bits;
	char build_id[2 * 64 + 1] = "";
	Dwarf_Addr end, address;
	GElf_Addr bias;

	profile->mappings = realloc(profile->mappings,
				    (profile->mapping_count + 1) * sizeof(*mapping));
	if (!profile->mappings)
		message_out_of_memory();
	/* The build-id is known once the file was found. */
	dwfl_module_getelf(module, &bias);
	for (int i = 0, count = dwfl_module_build_id(module, &bits, &address); i < count && i < 64;
	     i++)
		snprintf(build_id + 2 * i, 3, "%02x", bits[i]);
	dwfl_module_info(module, NULL, NULL, &end, NULL, NULL, NULL, NULL);
	mapping = &profile->mappings[profile->mapping_count++];
	*mapping = (struct profile_mapping){ .start = start, .end = end,
					     .path = heap_profile_text(profile, name),
					     .build_id = heap_profile_text(profile, build_id) };
	*userdata = (void *)profile->mapping_count;
	return DWARF_CB_OK;
}

struct symbols *symbols_open(const struct target *target, struct heap_profile *profile)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));
	void *library;

	if (!symbols)
		message_out_of_memory();
	/* A server of debugging information may take minutes. */
	setenv("DEBUGINFOD_URLS", "", 1);
	looked_at = target->process.pid;
	symbols->dwfl = dwfl_begin(&callbacks);
	if (symbols->dwfl)
		dwfl_linux_proc_report(symbols->dwfl, looked_at);
	if (!symbols->dwfl || dwfl_report_end(symbols->dwfl, NULL, NULL)) {
		symbols_close(symbols);
		return NULL;
	}
	dwfl_getmodules(symbols->dwfl, add_mapping, profile, 0);
	library = dlopen("libstdc++.so.6", RTLD_LAZY);
	if (library)
		symbols->demangle = (demangle_function *)dlsym(library, "__cxa_demangle");
	return symbols;
}

static const char *demangled(const struct symbols *symbols, struct heap_profile *profile,
			     const char *name)
{
	char *readable = NULL, of_rust[2048];
	const char *text;
	int status;

	if (symbols->demangle && !strncmp(name, "_Z", 2))
		readable = symbols->demangle(name, NULL, NULL, &status);
	if (readable)
		rust_old_name_clean(readable);
	if (rust_name_demangle(name, of_rust, sizeof(of_rust)))
		name = of_rust;
	text = heap_profile_text(profile, readable ? readable : name);
	free(readable);
	return text;
}

/* A dynamic library's names have one: malloc@@GLIBC_2.2.5. */
static const char *without_version(const char *name)
{
	static char plain[4096];

	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(name, "@"), name);
	return plain;
}

/* As addr2line wants it: the same in every process, wherever the file is mapped. */
static const char *place_in(Dwfl_Module *module, struct heap_profile *profile, Dwarf_Addr address)
{
	const char *path = dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
	const char *name = strrchr(path, '/');
	char place[PATH_MAX];
	GElf_Addr bias = 0;

	dwfl_module_getelf(module, &bias);
	snprintf(place, sizeof(place), "%s+0x%" PRIx64, name ? name + 1 : path,
		 (uint64_t)(address - bias));
	return heap_profile_text(profile, place);
}

void symbols_find(struct symbols *symbols, struct heap_profile *profile,
		  struct profile_frame *frame)
{
	Dwfl_Module *module = symbols ? dwfl_addrmodule(symbols->dwfl, frame->address) : NULL;
	const char *name, *file;
	Dwfl_Line *line;
	Dwarf_Addr start, end;
	void **userdata;
	int number = 0;

	if (!module)
		return;
	dwfl_module_info(module, &userdata, &start, &end, NULL, NULL, NULL, NULL);
	/* To libdwfl what lies behind a module is the module's as well. */
	if (frame->address < start || frame->address >= end)
		return;
	frame->mapping = (size_t)*userdata;
	name = dwfl_module_addrname(module, frame->address);
	if (name) {
		name = without_version(name);
		frame->mangled = heap_profile_text(profile, name);
		frame->function = demangled(symbols, profile, name);
	} else {
		frame->place = place_in(module, profile, frame->address);
	}
	line = dwfl_module_getsrc(module, frame->address);
	file = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;
	if (file) {
		frame->file = heap_profile_text(profile, file);
		frame->line = (unsigned)number;
	}
}

void symbols_close(struct symbols *symbols)
{
	if (!symbols)
		return;
	if (symbols->dwfl)
		dwfl_end(symbols->dwfl);
	free(symbols);
}

#else

struct symbols *symbols_open(const struct target *target, struct heap_profile *profile)
{
	(void)target;
	(void)profile;
	return NULL;
}

void symbols_find(struct symbols *symbols, struct heap_profile *profile,
		  struct profile_frame *frame)
{
	(void)symbols;
	(void)profile;
	(void)frame;
}

void symbols_close(struct symbols *symbols)
{
	(void)symbols;
}

#endif
