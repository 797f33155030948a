/* SPDX-License-Identifier: MIT */
/*
 * A trivial LD_AUDIT library for audit.c: takes part in every binding of a symbol, so
 * that all calls of malloc go through the loader, and reports that it was there.
 */
#include <link.h>
#include <stdlib.h>
#include <unistd.h>

unsigned int la_version(unsigned int version)
{
	const char *fd = getenv("CONTRACT_AUDIT_FD");

	free(malloc(1000));
	if (fd && write(atoi(fd), "audited", 7) != 7)
		_exit(99);
	return version < LAV_CURRENT ? version : LAV_CURRENT;
}

unsigned int la_objopen(struct link_map *map, Lmid_t namespace, uintptr_t *cookie)
{
	(void)map;
	(void)namespace;
	(void)cookie;
	free(malloc(100));
	return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}
