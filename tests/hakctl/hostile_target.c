/* SPDX-License-Identifier: MIT */
/*
 * Looks like a process on hakmem, and means harm to who looks at it: for
 * hostile_targets_do_no_harm.sh.
 *
 *   hostile_target FOLDER shrinks   its library becomes shorter all the time
 *                         grows     its library has symbols without end
 *                         escapes   its library's path and its name are escape sequences
 *                         pipe      its library has become a pipe
 *                         flood     answers what nobody asked, without end
 *                         more      sends empty rows, always with more to follow
 *                         circle    with the library in it: its heaps follow each other in a circle
 *
 * Prints a line when it is ready.
 */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <hakmem/control.h>

#define ESCAPE "\033]0;owned\007\033[31m\302\2332J"
#define SYMBOLS (12u << 20)

static char library[4200];

static int map_library(const char *folder)
{
	int file;

	mkdir(folder, 0755);
	snprintf(library, sizeof(library), "%s/libhakmem.so", folder);
	file = open(library, O_RDWR | O_CREAT, 0644);
	if (file < 0 || ftruncate(file, 4096) != 0 ||
	    mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0) == MAP_FAILED)
		exit(2);
	return file;
}

/* As long a list of symbols as there can be, without names. */
static void fill(int file)
{
	Elf64_Ehdr header = { .e_ident = ELFMAG, .e_machine = EM_X86_64, .e_shoff = 64,
			      .e_shentsize = sizeof(Elf64_Shdr), .e_shnum = 2 };
	Elf64_Shdr sections[2] = {
		{ .sh_type = SHT_STRTAB, .sh_offset = 64, .sh_size = 64 },
		{ .sh_type = SHT_DYNSYM,
		  .sh_offset = 4096,
		  .sh_size = SYMBOLS * sizeof(Elf64_Sym) },
	};

	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	if (ftruncate(file, (off_t)(4096 + SYMBOLS * sizeof(Elf64_Sym))) != 0 ||
	    pwrite(file, &header, sizeof(header), 0) < 0 ||
	    pwrite(file, sections, sizeof(sections), 64) < 0)
		exit(2);
}

static unsigned long long start_time(void)
{
	unsigned long long value = 0;
	char text[2048];
	FILE *file = fopen("/proc/self/stat", "re");
	char *at;

	if (!file || !fgets(text, sizeof(text), file))
		exit(2);
	fclose(file);
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at)
		value = strtoull(at, NULL, 10);
	return value;
}

static int serve_at(const char *folder)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%d.%llu.sock", folder,
			      (int)getpid(), start_time());
	int listening = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	if (length >= (int)sizeof(address.sun_path) ||
	    bind(listening, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(listening, 10) != 0)
		exit(2);
	return listening;
}

/* One client: a hello that is right, then nonsense until it goes away. */
static void harass(int client, bool more)
{
	static char request[70000];
	struct {
		struct control_head head;
		struct control_hello hello;
	} reply;

	while (recv(client, request, sizeof(request), 0) > 0) {
		const struct control_head *asked = (const void *)request;

		memset(&reply, 0, sizeof(reply));
		reply.head = (struct control_head){ .magic = CONTROL_MAGIC,
						    .version = CONTROL_VERSION,
						    .kind = asked->kind,
						    .serial = asked->serial,
						    .bytes = sizeof(reply) };
		if (asked->kind == CONTROL_HELLO) {
			reply.hello = (struct control_hello){ 1, 1, (uint32_t)getppid(), 0, "9.9" };
			send(client, &reply, sizeof(reply), MSG_NOSIGNAL);
			continue;
		}
		reply.head.serial += !more;
		reply.head.flags = more ? CONTROL_MORE : 0;
		while (send(client, &reply, sizeof(reply), MSG_NOSIGNAL) > 0)
			;
	}
	_exit(0);
}

/* What hak_outline tells of is anybody's to write who has the process. */
static void bend_library(void)
{
	const struct control_outline *outline = dlsym(RTLD_DEFAULT, "hak_outline");
	char *heap;

	if (!outline || !malloc(100))
		exit(2);
	heap = *(char *const *)outline->newest_heap;
	*(char **)(heap + outline->shape[7]) = heap;
	*(uint32_t *)outline->superslabs = 1 << 24;
}

static void serve(int listening, bool more)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int client = accept(listening, NULL, NULL);

		if (client >= 0 && fork() == 0)
			harass(client, more);
		close(client);
	}
}

int main(int argc, char **argv)
{
	char folder[4096];
	const char *mode = argc > 2 ? argv[2] : "";
	bool serves = !strcmp(mode, "flood") || !strcmp(mode, "more");
	int file, listening = -1;

	if (argc != 3)
		return 2;
	snprintf(folder, sizeof(folder), "%s/%s%s", argv[1], mode,
		 !strcmp(mode, "escapes") ? ESCAPE : "");
	if (!strcmp(mode, "circle")) {
		bend_library();
		write(STDOUT_FILENO, "ready\n", 6) == 6 ? pause() : 0;
		return 0;
	}
	file = map_library(folder);
	fill(file);
	if (!strcmp(mode, "escapes"))
		prctl(PR_SET_NAME, "x\033[2J\302\233H");
	if (!strcmp(mode, "pipe") && (unlink(library) != 0 || mkfifo(library, 0644) != 0))
		return 2;
	if (serves)
		listening = serve_at(getenv("HAKMEM_CONTROL_DIR"));
	puts("ready");
	fflush(stdout);
	if (serves)
		serve(listening, !strcmp(mode, "more"));
	while (strcmp(mode, "shrinks"))
		pause();
	for (;;) {
		fill(file);
		usleep(15000);
		if (ftruncate(file, 0) != 0)
			return 2;
		usleep(100);
	}
}
