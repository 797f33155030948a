/* SPDX-License-Identifier: MIT */
/*
 * topology.c - see topology.h.
 */
#include <config.h>

#include "os/topology.h"

#include <linux/mempolicy.h>
#include <stddef.h>
#include <string.h>

#include "support/filter_state.h"
#include "support/kernel_file.h"
#include "support/log.h"
#include "support/system_call.h"

#define NODES_FOLDER	"/sys/devices/system/node"
#define STATUS_FILE	"/proc/self/status"
#define TEXT_BYTES	8192	/* a list of 1024 distances */
#define PATH_BYTES	256

struct node_set {
	uint64_t words[TOPOLOGY_NODES_MAX / 64];
};

struct topology topology = { .homes = 1 };

static void set_add(struct node_set *set, unsigned node)
{
	if (node < TOPOLOGY_NODES_MAX)
		set->words[node / 64] |= (uint64_t)1 << node % 64;
}

static bool set_has(const struct node_set *set, unsigned node)
{
	return set->words[node / 64] >> node % 64 & 1;
}

static unsigned set_count(const struct node_set *set)
{
	unsigned word, count = 0;

	for (word = 0; word < TOPOLOGY_NODES_MAX / 64; word++)
		count += (unsigned)__builtin_popcountll(set->words[word]);
	return count;
}

/* 0: it has none. */
static uint16_t set_first(const struct node_set *set)
{
	unsigned node;

	for (node = 0; node < TOPOLOGY_NODES_MAX; node++)
		if (set_has(set, node))
			return (uint16_t)node;
	return 0;
}

/* Steps over digits. False: there are none. */
static bool take_number(const char **text, unsigned *number)
{
	const char *at = *text;

	for (*number = 0; *at >= '0' && *at <= '9' && *number < 1000000; at++)
		*number = *number * 10 + (unsigned)(*at - '0');
	if (at == *text)
		return false;
	*text = at;
	return true;
}

/* "0-1,3,64-127" */
static void parse_list(const char *text, struct node_set *set)
{
	unsigned from, to;

	memset(set, 0, sizeof(*set));
	while (take_number(&text, &from)) {
		to = from;
		if (*text == '-') {
			text++;
			if (!take_number(&text, &to))
				return;
		}
		for (; from <= to && from < TOPOLOGY_NODES_MAX; from++)
			set_add(set, from);
		if (*text++ != ',')
			return;
	}
}

static bool read_list(const char *folder, const char *name, struct node_set *set)
{
	char path[PATH_BYTES], text[TEXT_BYTES];

	log_format_text(path, sizeof(path), "%s/%s", folder, name);
	if (kernel_file_read(path, text, sizeof(text)) <= 0)
		return false;
	parse_list(text, set);
	return true;
}

/* Leaves in set what the process may use. False: a filter of system calls is in force. */
static bool keep_allowed(const char *status, struct node_set *set)
{
	char text[TEXT_BYTES];
	struct node_set allowed;
	const char *value;
	unsigned word;
	long length;

	length = kernel_file_read(status, text, sizeof(text));
	value = kernel_file_field(text, "Mems_allowed_list");
	if (value) {
		parse_list(value, &allowed);
		for (word = 0; word < TOPOLOGY_NODES_MAX / 64; word++)
			set->words[word] &= allowed.words[word];
	}
	return !filter_state_is_told(text, length, sizeof(text));
}

static void number_homes(struct topology *read, const struct node_set *set)
{
	unsigned node;

	read->homes = 0;
	for (node = 0; node < TOPOLOGY_NODES_MAX && read->homes < TOPOLOGY_HOMES_MAX; node++)
		if (set_has(set, node))
			read->node_of_home[read->homes++] = (uint16_t)node;
}

static int topology_home_at(const struct topology *read, unsigned node)
{
	unsigned home;

	for (home = 0; home < read->homes; home++)
		if (read->node_of_home[home] == node)
			return (int)home;
	return -1;
}

/* A node's distances stand in one line, in the order of the nodes that are online. */
static void find_home(struct topology *read, const char *folder, const struct node_set *online,
		      unsigned node)
{
	char path[PATH_BYTES], text[TEXT_BYTES];
	const char *at = text;
	unsigned other, distance, best = UINT32_MAX;

	log_format_text(path, sizeof(path), "%s/node%u/distance", folder, node);
	if (kernel_file_read(path, text, sizeof(text)) <= 0)
		return;
	for (other = 0; other < TOPOLOGY_NODES_MAX; other++) {
		int home;

		if (!set_has(online, other))
			continue;
		at += strspn(at, " ");
		if (!take_number(&at, &distance))
			return;
		home = topology_home_at(read, other);
		if (home >= 0 && distance < best) {
			best = distance;
			read->home_of_node[node] = (uint8_t)home;
		}
	}
}

bool topology_read(struct topology *read, const char *nodes, const char *status)
{
	struct node_set memory, online;
	unsigned node;

	memset(read, 0, sizeof(*read));
	read->homes = 1;
	/* The one question that every process asks. */
	if (!read_list(nodes, "has_memory", &memory) || set_count(&memory) < 2)
		return false;
	read->binds = keep_allowed(status, &memory);
	if (set_count(&memory) < 2) {
		read->node_of_home[0] = set_first(&memory);
		return false;
	}
	if (!read_list(nodes, "online", &online))
		online = memory;
	number_homes(read, &memory);
	for (node = 0; node < TOPOLOGY_NODES_MAX; node++) {
		int home = topology_home_at(read, node);

		if (home >= 0)
			read->home_of_node[node] = (uint8_t)home;
		else if (set_has(&online, node))
			find_home(read, nodes, &online, node);
	}
	return true;
}

bool topology_read_processors(unsigned node, uint64_t processors[TOPOLOGY_NODES_MAX / 64])
{
	struct node_set set;
	char name[PATH_BYTES];

	log_format_text(name, sizeof(name), "node%u/cpulist", node);
	if (!read_list(NODES_FOLDER, name, &set) || !set_count(&set))
		return false;
	memcpy(processors, set.words, sizeof(set.words));
	return true;
}

void topology_begin_with(unsigned home)
{
	uint16_t node = topology.node_of_home[home];
	unsigned i;

	topology.node_of_home[home] = topology.node_of_home[0];
	topology.node_of_home[0] = node;
	for (i = 0; i < TOPOLOGY_NODES_MAX; i++) {
		if (topology.home_of_node[i] == home)
			topology.home_of_node[i] = 0;
		else if (topology.home_of_node[i] == 0)
			topology.home_of_node[i] = (uint8_t)home;
	}
}

/*
 * numactl and set_mempolicy() leave their choice to the programs that a process starts. nodes:
 * those that it names, none where it means the nearest.
 */
static bool has_policy(struct node_set *nodes)
{
	int policy = MPOL_DEFAULT;

	memset(nodes, 0, sizeof(*nodes));
	if (system_call(SYS_get_mempolicy, &policy, nodes->words, (unsigned long)TOPOLOGY_NODES_MAX,
			NULL, 0ul) != 0)
		return false;
	return policy != MPOL_DEFAULT && policy != MPOL_LOCAL;
}

void topology_init(void)
{
	struct node_set chosen;
	struct topology read;

	if (!topology_read(&read, NODES_FOLDER, STATUS_FILE))
		topology.node_of_home[0] = read.node_of_home[0];
	else if (!(read.binds && has_policy(&chosen)))
		topology = read;
	else
		topology.node_of_home[0] = set_first(&chosen);
}
